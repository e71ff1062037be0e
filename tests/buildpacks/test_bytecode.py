"""How compiling is shared out."""

from python_buildpack.bytecode import shares


def test_shares_depend_on_the_modules_alone(tmp_path):
    """Every module is in one share; large packages come first, equal ones by name."""
    for package, modules in (("big", 5), ("c", 2), ("a", 2), ("b", 2), ("d", 1), ("data", 0)):
        (tmp_path / package).mkdir()
        for number in range(modules):
            (tmp_path / package / f"m{number}.py").write_text("")
    (tmp_path / "six.py").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert shares(tmp_path) == [["big"], ["a", "d"], ["b", "six.py"], ["c"]]


def test_nothing_to_compile_makes_no_share(tmp_path):
    """An empty environment starts no process."""
    assert shares(tmp_path) == []
