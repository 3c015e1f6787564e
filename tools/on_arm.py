"""Do released files compute the same on an ARM processor as on this one? An optional tool, not part of CI.

    python tools/on_arm.py tflite_models/*.tflite [--images FILE...] [--work DIR]

Runs each file with LiteRT's aarch64 wheel on an emulated Cortex-A72, and with the LiteRT of this machine, on
the golden images and any others. An int8 file must give the same bits, a float file the same to 1e-3:
exit code 1 if one does not. Needs Debian's apt-get and dpkg, and pip. Nothing is installed: everything goes
into DIR, by default a folder `on_arm` in the system's temporary folder, and a second call uses it again.
"""

import argparse
import importlib.metadata
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from skinkeras import tflite
from skinkeras.images.decoding import decode
from skinkeras.tflite.graph import read_graph
from skinkeras.tflite.verify import int8_share

CPU = "cortex-a72"
# LiteRT reads in /proc/cpuinfo which instructions the processor has, and qemu 7.2 shows it the host's file. If
# that list is not the one of `-cpu`, LiteRT picks other kernels, and int8 results are silently wrong. qemu prefers
# the file in the guest's folder.
CPUINFO = """\
processor\t: {core}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
GUEST_PYTHON = "3.11"  # Debian bookworm's
GUEST_PACKAGES = (f"python{GUEST_PYTHON}", "libstdc++6")
GUEST_WHEELS = ("ai-edge-litert", "backports.strenum", "flatbuffers", "ml_dtypes", "numpy", "protobuf")
GUEST_PLATFORMS = (
    "manylinux_2_28_aarch64",
    "manylinux_2_27_aarch64",
    "manylinux_2_17_aarch64",
    "manylinux2014_aarch64",
)
FLOAT_TOLERANCE = 1e-3
# Runs on both processors. Arguments: model, images, file for the answers, further folders for sys.path.
PROGRAM = """
import sys
sys.path[:0] = sys.argv[4:]
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
answers = []
for image in np.load(sys.argv[2]):
    interpreter.set_tensor(source["index"], image[None].astype(source["dtype"]))
    interpreter.invoke()
    answers.append(interpreter.get_tensor(target["index"])[0])
np.save(sys.argv[3], np.stack(answers))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--images", nargs="*", type=Path, default=[])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "on_arm")
    options = parser.parse_args()
    prepare(options.work.resolve())
    results = [compare(path, options.images, options.work.resolve()) for path in options.files]
    sys.exit(0 if all(results) else 1)


def compare(path, image_files, work):
    """Whether a file gives the same answers on both processors; prints one line."""
    size = tflite.Classifier(path).input_size[0]
    images = [*tflite.golden_images(size).values(), *(decode(file, size) for file in image_files)]
    with tempfile.TemporaryDirectory() as folder:
        program, inputs = Path(folder) / "program.py", Path(folder) / "images.npy"
        program.write_text(PROGRAM)
        np.save(inputs, np.stack(images))
        answers = []
        for where, python, more in (("arm", guest(work), [work / "site"]), ("here", [sys.executable], [])):
            target = Path(folder) / f"{where}.npy"
            call([*python, program, path.resolve(), inputs, target, *more])
            answers.append(np.load(target))
    integer = int8_share(read_graph(path.read_bytes())) == 1
    difference = float(np.abs(answers[0].astype(np.float64) - answers[1]).max())
    good = difference == 0 if integer else difference <= FLOAT_TOLERANCE
    verdict = "bit for bit the same" if difference == 0 else f"largest difference {difference:.2e}"
    print(f"{path.name}: {len(images)} images, {verdict}{'' if good else ': TOO MUCH'}")
    return good


def guest(work):
    """The command that runs the guest's Python."""
    qemu = [work / "qemu/usr/bin/qemu-aarch64-static", "-cpu", CPU, "-L", work / "guest"]
    return [*qemu, work / f"guest/usr/bin/python{GUEST_PYTHON}", "-S"]


def prepare(work):
    """Fills the working folder with qemu, an ARM Python and the wheels of the versions used here."""
    done = work / "complete"
    if done.exists():
        return
    print(f"Filling {work} ...")
    for name in ("apt/state/lists/partial", "apt/cache/archives/partial", "guest/proc", "wheels", "site"):
        (work / name).mkdir(parents=True, exist_ok=True)
    # With a status file of its own that lists no installed packages, apt fetches everything that the guest needs,
    # and this machine's package lists stay as they are.
    (work / "apt/status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",
        "Dir::State": work / "apt/state",
        "Dir::State::status": work / "apt/status",
        "Dir::Cache": work / "apt/cache",
        "Debug::NoLocking": "1",
    }
    apt = [
        "apt-get",
        "-qq",
        *(part for name, value in settings.items() for part in ("-o", f"{name}={value}")),
    ]
    call([*apt, "update"])
    call([*apt, "install", "--download-only", "-y", "--no-install-recommends", *GUEST_PACKAGES])
    for package in sorted((work / "apt/cache/archives").glob("*.deb")):
        call(["dpkg", "-x", package, work / "guest"])
    call(["apt-get", "-qq", "download", "qemu-user-static"], cwd=work)
    call(["dpkg", "-x", next(work.glob("qemu-user-static*.deb")), work / "qemu"])
    (work / "guest/proc/cpuinfo").write_text("".join(CPUINFO.format(core=core) for core in range(4)))
    wheels = [f"{name}=={importlib.metadata.version(name)}" for name in GUEST_WHEELS]
    platforms = [part for name in GUEST_PLATFORMS for part in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
    call([*pip, "--python-version", GUEST_PYTHON, *platforms, "-d", work / "wheels", *wheels])
    for wheel in (work / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(work / "site")
    done.touch()


def call(command, cwd=None):
    """Runs a command; ends the program with its error if it fails."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")


if __name__ == "__main__":
    main()
