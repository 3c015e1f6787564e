// Elements of the page: found, made, and given the focus.

export const byId = (id) => document.getElementById(id);

export function element(name, className, text = "") {
  const result = document.createElement(name);
  if (className) result.className = className;
  result.textContent = text;
  return result;
}

/** An entry of a <select>. */
export function option(value, text) {
  const result = element("option", "", text);
  result.value = value;
  return result;
}

/** Chooses an entry of a <select>, if it has it. */
export function select(list, value) {
  if ([...list.options].some((each) => each.value === value)) list.value = value;
}

/** Hands the focus on where a button hid itself: else a keyboard begins anew at the top of the page. */
export function moveFocus(from, ...candidates) {
  if (![byId(from), document.body].includes(document.activeElement) || !byId(from).hidden) return;
  candidates.map(byId).find((each) => !each.hidden && !each.disabled)?.focus();
}
