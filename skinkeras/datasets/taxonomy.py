"""The diagnoses of the public dermoscopy collections, as data."""

# The seven of HAM10000 and ISIC 2018, in HAM10000's own abbreviations and alphabetical order.
HAM10000 = {
    "akiec": "actinic keratosis or intraepithelial carcinoma",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic nevus",
    "vasc": "vascular lesion",
}

# The columns of ISIC 2019 -> names; AK and SCC are one class in HAM10000, two here.
ISIC2019 = {
    "MEL": "mel",
    "NV": "nv",
    "BCC": "bcc",
    "AK": "ak",
    "BKL": "bkl",
    "DF": "df",
    "VASC": "vasc",
    "SCC": "scc",
    "UNK": "unk",
}

# The columns of ISIC 2018 task 3 -> HAM10000's names.
ISIC2018 = {
    "MEL": "mel",
    "NV": "nv",
    "BCC": "bcc",
    "AKIEC": "akiec",
    "BKL": "bkl",
    "DF": "df",
    "VASC": "vasc",
}
