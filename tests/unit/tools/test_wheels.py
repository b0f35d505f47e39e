"""What a wheel holds: the pure one, as it is built of these sources; the compiled one is checked where it is built."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPEC = importlib.util.spec_from_file_location("contents", ROOT / "tools" / "wheels" / "contents.py")
contents = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(contents)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / "genreconcile").is_dir():
        pytest.skip("the sources are not here, but installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


def changed(wheel, folder, *, without="", **added):
    """The wheel less one file, and with others."""
    copy = folder / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            if name != without:
                new.writestr(name, old.read(name))
        for name, content in added.items():
            new.writestr(name, content)
    return copy


def test_the_pure_wheel_is_whole(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    assert contents.faults(wheel) == []
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "genreconcile/py.typed",
        "genreconcile/data/order.yaml",
        "genreconcile/normalize/rules/fields.json",
    } <= names


@pytest.mark.parametrize(
    ("without", "added", "told"),
    [
        ("genreconcile/py.typed", {}, "genreconcile/py.typed: is missing"),
        ("genreconcile/data/order.yaml", {}, "genreconcile/data/order.yaml: is missing"),
        ("", {"tests/test_a.py": b""}, "tests/test_a.py: does not belong there"),
        ("", {"genreconcile/__pycache__/a.pyc": b""}, "genreconcile/__pycache__/a.pyc: does not belong there"),
        ("", {"genreconcile/a.so": b""}, "genreconcile/a.so: does not belong there"),
        ("genreconcile/gojson.py", {"genreconcile/gojson.py": str(ROOT)}, f"genreconcile/gojson.py: names {ROOT}"),
    ],
)
def test_what_is_wrong_is_told(wheel, tmp_path, without, added, told):
    assert contents.faults(changed(wheel, tmp_path, without=without, **added)) == [f"{wheel.name}: {told}"]


def test_a_compiled_wheel_lacks_no_module(wheel, tmp_path):
    named = tmp_path / wheel.name.replace("-py3-none-any", "-cp311-cp311-linux_x86_64")
    changed(wheel, tmp_path, **{"genreconcile/gojson.cpython-311-x86_64-linux-gnu.so": b""}).rename(named)
    told = {fault.partition(": ")[2] for fault in contents.faults(named)}
    assert told == {f"{name}: is not compiled" for name in contents._to_compile() - {"genreconcile/gojson"}}
