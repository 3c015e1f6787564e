"""The items of the CLEAR Derm checklist as a table.

Daneshjou et al. 2022, *Checklist for Evaluation of Image-Based Artificial Intelligence Reports in Dermatology: CLEAR
Derm Consensus Guidelines From the International Skin Imaging Collaboration Artificial Intelligence Working Group*,
JAMA Dermatology 158(1):90-96, doi:10.1001/jamadermatol.2021.4915. Titles and questions are in our own words, and so
is the mapping to TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378, doi:10.1136/bmj-2023-078378).
"""

from typing import NamedTuple


class Item(NamedTuple):
    """An item of the checklist; its number is its place in `ITEMS`, from 1.

    Attributes:
        key: its name in a file of answers.
        domain: one of the checklist's four.
        title: a few words.
        question: what a person is asked; the record is not expected to know it all.
        tripod: the items of TRIPOD+AI that ask for the same.
    """

    key: str
    domain: str
    title: str
    question: str
    tripod: str


_DATA, _TECHNIQUE, _ASSESSMENT, _APPLICATION = "Data", "Technique", "Technical assessment", "Application"

ITEMS = (
    Item(
        "image_types",
        _DATA,
        "Image types",
        "Which kinds of images are these (dermoscopy, clinical close-up, overview, total-body photography)? Is the "
        "kind known for each image?",
        "9b",
    ),
    Item(
        "artefacts",
        _DATA,
        "Artefacts in the images",
        "Which artefacts do the images show (pen marks, rulers, hair, gel bubbles, dark corners, dressings), and how "
        "often? Were such images left out?",
        "7",
    ),
    Item(
        "acquisition",
        _DATA,
        "How the images were taken",
        "With which dermatoscopes and cameras, in which light, by whom, where and when were the images taken?",
        "5b, 6a",
    ),
    Item(
        "preprocessing",
        _DATA,
        "Pre-processing",
        "What was done to the images before this software read them (cropping, colour correction, compression, "
        "selection by quality)?",
        "7, 12b",
    ),
    Item(
        "synthetic_images",
        _DATA,
        "Synthetic images",
        "Are there generated images in the data? How were they made, and where are they available?",
        "18e",
    ),
    Item(
        "public_images",
        _DATA,
        "References for public images",
        "Which public data sets were used, in which version, and how are they cited?",
        "5a, 18e",
    ),
    Item(
        "patient_metadata",
        _DATA,
        "Information about the patients",
        "What is known about the patients (age, sex, site of the lesion, earlier skin cancer), of how many of them, "
        "and how were they selected?",
        "6b, 20b",
    ),
    Item(
        "skin_colour",
        _DATA,
        "Skin colour",
        "Which skin colours do the images show, and how was this assessed (Fitzpatrick type, Monk scale, individual "
        "typology angle; by whom)?",
        "20b",
    ),
    Item(
        "biases",
        _DATA,
        "Possible biases of the data",
        "Who is missing or rare in the data? Which clinic, device or habit goes with a diagnosis?",
        "3c, 26",
    ),
    Item(
        "partitions",
        _DATA,
        "Partitions",
        "How were the images divided, and what keeps images of one patient out of two partitions?",
        "12a",
    ),
    Item(
        "sample_sizes",
        _DATA,
        "Sample sizes",
        "Why these numbers of images, and are they enough for what is claimed?",
        "10, 21",
    ),
    Item(
        "external_test_set",
        _DATA,
        "External test set",
        "On which images from elsewhere was the model tested, and how do they differ from the training images?",
        "16, 20c",
    ),
    Item(
        "vendors",
        _DATA,
        "Devices of several vendors",
        "Which vendors' devices took the training images, and which the test images?",
        "6a, 12d",
    ),
    Item(
        "class_balance",
        _DATA,
        "Class distribution and balance",
        "Are the diagnoses as common in the data as where the model would be used? What was done about rare ones?",
        "13, 20a",
    ),
    Item(
        "out_of_distribution",
        _DATA,
        "Out-of-distribution images",
        "What does the model answer for images unlike its training images (other diagnoses, healthy skin, no skin at "
        "all)? Can it tell?",
        "27a",
    ),
    Item(
        "labelling",
        _TECHNIQUE,
        "How the labels were made",
        "Who made the labels, how many people, with what experience, from what (histopathology, follow-up, "
        "consensus)? What if they disagreed?",
        "8a, 8b, 8c",
    ),
    Item(
        "label_references",
        _TECHNIQUE,
        "Accepted diagnostic labels",
        "Which accepted terminology or guideline do the diagnoses follow (such as WHO or ICD-11)?",
        "8a",
    ),
    Item(
        "histopathology",
        _TECHNIQUE,
        "Histopathology of malignant lesions",
        "Was every malignant lesion confirmed by histopathology, and who read the slides?",
        "8a, 8b",
    ),
    Item(
        "algorithm",
        _TECHNIQUE,
        "Development of the algorithm",
        "What do the settings not show: earlier trials, choices made by hand, results that were seen before?",
        "12c, 22",
    ),
    Item(
        "public_evaluation",
        _ASSESSMENT,
        "Public evaluation",
        "Where and on what terms can others get the model, the code and the test images, or query the model?",
        "18e, 18f, 22",
    ),
    Item(
        "performance",
        _ASSESSMENT,
        "Performance",
        "Which of the figures matter for the intended use, and why?",
        "12e, 23a",
    ),
    Item(
        "benchmarking",
        _ASSESSMENT,
        "Comparisons and novelty",
        "How does the model compare with doctors, other models and published results on the same images? What is "
        "new?",
        "3a, 25",
    ),
    Item(
        "bias_assessment",
        _ASSESSMENT,
        "Assessment of bias",
        "For which groups was performance compared (age, sex, skin colour, site, clinic), and what follows from it?",
        "14, 23b",
    ),
    Item(
        "use_cases",
        _APPLICATION,
        "Use cases and target conditions",
        "Who would use the model, where, for which lesions and conditions, and for which not?",
        "3b",
    ),
    Item(
        "impact",
        _APPLICATION,
        "Impact on the health care team and patients",
        "What would change for doctors and patients, and what harm could wrong answers do?",
        "3b, 27b",
    ),
)
