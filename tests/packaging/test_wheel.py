"""What people install: a wheel with one import package, built from a checkout as it is."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(folder), "."]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return next(folder.glob("colonnade-*.whl"))


def test_the_wheel_holds_one_package_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"colonnade"}
    for name in ("__init__.py", "__main__.py", "py.typed", "mcp.json", "server/engines/base/__init__.py"):
        assert f"colonnade/{name}" in names
    for folder in ("tools", "resources"):
        for path in (ROOT / folder).glob("*.py"):
            assert f"colonnade/{folder}/{path.name}" in names
    assert not [name for name in names if "test" in name]


def test_the_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Its code alone, on the packages that are installed here."""
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=False)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path / 'site')!r}, {packages!r}]\n"
        "import colonnade; from colonnade.server.cli import main\n"
        f"assert colonnade.__file__.startswith({str(tmp_path)!r})\n"
        "sys.exit(main(['query', 'Demo Shop:shop', 'select count(*) from customers', '--json']))"
    )
    done = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "python"), "-c", script],
        cwd=tmp_path,
        env={"COLONNADE_HOME": str(tmp_path / "home"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert '"rows": [[100]]' in done.stdout
