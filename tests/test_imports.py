"""What an import costs, and that it may come in any order."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import skinkeras
from skinkeras import callbacks, keras_registration, losses, models, quantization
from skinkeras.errors import UsageError
from skinkeras.keras_registration import serializable

HEAVY = ("keras", "tensorflow", "pandas", "sklearn", "matplotlib")
PACKAGES = [module.name for module in pkgutil.iter_modules(skinkeras.__path__) if module.ispkg]


def python(code, **environment):
    environment = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


LIGHT = """
models.ARCHITECTURES, models.FAMILIES, models.HEADS, models.model_names()
models.parse_name("vgg16_cbam").can_be_int8
models.check_input_size("vgg16_cbam", 299)
models.check_available("efficientnet_lite0", "imagenet")
datasets.DATASETS["ham10000"].taxonomy.classes, datasets.BINARY_CLASSES
datasets.check_positive(("mel",), ("mel", "nv"))
inputs.AUGMENTATIONS["strong"].title, inputs.OVERSAMPLING["g23"].variants
cleaning.PRESETS["merge-scaled"].removals(1000, 100), cleaning.CleaningPlan(1, 5)
models.presets(), models.check_available("efficientnet_lite0", "melanoma_efficientnet_lite0_224")
experiments.get("gilal2023/b2_blur_rcel").settings
skinkeras.check_keras_settings()
"""


def test_what_checks_settings_imports_nothing_heavy():
    code = "import sys, skinkeras\nfrom skinkeras import models, datasets, experiments, inputs, cleaning, losses\n"
    for line in filter(None, LIGHT.splitlines()):
        code += f"{line}\nheavy = {set(HEAVY)} & set(sys.modules)\nassert not heavy, ({line!r}, heavy)\n"
    python(code)


def test_the_package_alone_imports_not_even_numpy():
    python("import sys, skinkeras; assert not {'numpy', 'cv2', 'keras', 'tensorflow'} & set(sys.modules)")


def test_every_package_is_an_attribute():
    assert sorted(PACKAGES) == sorted(set(skinkeras.__all__) - {"check_keras_settings"})
    assert skinkeras.losses.RecallCrossentropy is losses.RecallCrossentropy
    python("import skinkeras; skinkeras.losses.RecallCrossentropy, skinkeras.datasets.split")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there_and_none_is_hidden_by_a_module(package):
    package = importlib.import_module(f"skinkeras.{package}")
    public = set(getattr(package, "__all__", ()))
    if hasattr(package, "__getattr__"):  # in a lazy package, the import of a module would replace the name
        assert not public & {module.name for module in pkgutil.iter_modules(package.__path__)}
    for name in public:
        assert getattr(package, name) is not None


def test_the_table_of_serializable_classes_is_complete():
    for module in pkgutil.walk_packages(skinkeras.__path__, "skinkeras."):
        importlib.import_module(module.name)
    registered = {
        name.removeprefix("skinkeras>"): kind
        for name, kind in keras.saving.get_custom_objects().items()
        if name.startswith("skinkeras>") and isinstance(kind, type)  # the rest are stand-ins
    }
    listed = {
        name: getattr(importlib.import_module(package), name)
        for package, names in serializable().items()
        for name in names
    }
    assert registered and registered.items() <= listed.items()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model with attention, loss and optimizer of this package, and its quantized form; the images' answers."""
    folder = tmp_path_factory.mktemp("saved")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    model = models.create("efficientnet_tiny_cbam", input_size=32, weights="none", colour_constancy=True)
    model.compile(callbacks.CyclicalAdam(1e-3), losses.RecallCrossentropy(costs=(1, 2)), jit_compile=False)
    model.save(folder / "model.keras")
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, [images])
    quantized.save(folder / "model_qat.keras")
    np.save(folder / "images.npy", images)
    for name, made in (("model", model), ("model_qat", quantized)):
        np.save(folder / f"{name}.npy", np.asarray(made(images, training=False)))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports", ["import skinkeras, keras", "import keras, skinkeras", "import skinkeras, tensorflow, keras"]
)
def test_a_saved_model_loads_whichever_is_imported_first(saved, imports):
    code = f"""
import sys, numpy as np
{imports}
assert not any(type(finder).__module__.startswith("skinkeras") for finder in sys.meta_path)
assert "skinkeras.layers" not in sys.modules
for name in ("model", "model_qat"):
    assert "tensorflow_model_optimization" not in sys.modules
    model = keras.saving.load_model({str(saved)!r} + f"/{{name}}.keras")
    answers = np.asarray(model(np.load({str(saved)!r} + "/images.npy"), training=False))
    np.testing.assert_allclose(answers, np.load({str(saved)!r} + f"/{{name}}.npy"), atol=1e-6)
    print(type(model.loss).__name__)
"""
    assert python(code, TF_CPP_MIN_LOG_LEVEL="3").split() == ["RecallCrossentropy"] * 2


def test_an_import_of_keras_that_fails_is_tried_again(tmp_path):
    (tmp_path / "keras.py").write_text(
        "import os\nif 'FAIL' in os.environ:\n    raise ImportError('broken')\n"
    )
    code = f"""
import os, sys
sys.path.insert(0, {str(tmp_path)!r})
import skinkeras
from skinkeras import keras_registration
registered = []
keras_registration._register_stand_ins = lambda: registered.append(sys.modules["keras"].__name__)
os.environ["FAIL"] = "1"
try:
    import keras
except ImportError:
    assert not registered
del os.environ["FAIL"]
import keras
print(registered, hasattr(keras.__loader__, "exec_module"), vars(keras.__loader__).keys() & {{"exec_module"}})
"""
    assert python(code).strip() == "['keras'] True set()"


def test_registering_twice_adds_one_finder_and_keeps_real_classes():
    kept = keras.saving.get_custom_objects()["skinkeras>RecallCrossentropy"]
    before = list(sys.meta_path)
    keras_registration.register_with_keras()
    assert sys.meta_path == before
    assert keras.saving.get_custom_objects()["skinkeras>RecallCrossentropy"] is kept


@pytest.mark.parametrize(
    ("in_file", "environment", "sentence"),
    [
        ({"backend": "jax"}, {}, r"set to backend=jax in .*keras\.json; skinkeras needs tensorflow"),
        ({}, {"KERAS_BACKEND": "torch"}, "backend=torch in the environment variable KERAS_BACKEND"),
        ({"image_data_format": "channels_first"}, {}, "needs channels_last"),
        ({"floatx": "float16"}, {}, "floatx=float16 .*needs float32"),
        ({"backend": "jax"}, {"KERAS_BACKEND": "tensorflow"}, None),
        ({"floatx": "float32", "epsilon": 1e-6}, {}, None),
        (None, {}, None),
    ],
)
def test_settings_of_keras_that_do_not_fit_end_in_a_sentence_before_its_import(
    in_file, environment, sentence, tmp_path, monkeypatch
):
    if in_file is not None:
        (tmp_path / "keras.json").write_text(json.dumps(in_file))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "keras")
    if sentence is None:
        skinkeras.check_keras_settings()
    else:
        with pytest.raises(UsageError, match=sentence):
            skinkeras.check_keras_settings()


def test_settings_of_keras_in_use_are_checked_too():
    skinkeras.check_keras_settings()
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(UsageError, match="image_data_format=channels_first in this process"):
            skinkeras.check_keras_settings()
    finally:
        keras.config.set_image_data_format("channels_last")
