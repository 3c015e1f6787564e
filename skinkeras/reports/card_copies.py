"""What a card says of images that occur twice, in the data and in other data sets, and of those left out."""

from skinkeras.reports.words import code


def copies_paragraph(data):
    """A paragraph of the card's section on the data; "" for a record without these facts.

    Args:
        data: the `data` of a record.
    """
    sentences = []
    if copies := data.get("duplicates"):
        sentences.append(_pairs(copies))
    if data.get("left_out"):
        sentences.append(
            f"Left out, because they are missing or cannot be read: {data['left_out']:,} images."
        )
    if data.get("overlaps"):
        names = ", ".join(map(code, data["overlaps"]))
        sentences.append(
            f"Other data sets share images with this one and cannot test the model independently: {names}."
        )
    return " ".join(sentences)


def _pairs(copies):
    if not copies["exact"] + copies["near"]:
        return "No two of the images are the same file or nearly equal."
    text = (
        f"Images that occur twice: {_number(copies['exact'])} of equal files and {_number(copies['near'])} of nearly "
        f"equal images, {copies['of_different_groups']:,} of these of different lesions or patients."
    )
    if not copies["across_subsets"]:
        return f"{text} The images of a pair are in one subset."
    return text


def copies_limits(data):
    """What follows for the results, as a list of sentences.

    Args:
        data: the `data` of a record.
    """
    across = data.get("duplicates", {}).get("across_subsets")
    if not across:
        return []
    return [
        f"Of equal or nearly equal images, {_number(across)} {'is' if across == 1 else 'are'} divided between two "
        "subsets, which makes the results look better than they are."
    ]


def _number(pairs):
    return "1 pair" if pairs == 1 else f"{pairs:,} pairs"
