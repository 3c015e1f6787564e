// What the page's modules share: the chosen model, the still image, and whose turn it is.

/**
 * The chosen model: its contract, the kind of file, the operating point (null: the model's own line), the engine that
 * runs it, and whether it is loaded.
 */
export const model = { contract: null, kind: null, point: null, engine: null, ready: false };

/** What the viewer shows; `still` is { bitmap, source, file, answer } of an image that stands still. */
export const viewer = { still: null };

/** Counts turns, so that what arrives for an earlier one can be dropped. */
class Turns {
  #turn = 0;

  /** Ends the current turn; returns what `current` returns of the next. */
  next() {
    this.#turn++;
    return this.current();
  }

  /** A function that says whether this turn still lasts. */
  current() {
    const mine = this.#turn;
    return () => mine === this.#turn;
  }
}

/** A turn lasts while the same camera or image is in view. */
export const views = new Turns();

/** A turn lasts while the same is worked out about it, by the same model. */
export const answers = new Turns();
