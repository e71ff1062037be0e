"""The stack's recipes, its mirror, and words for what can go wrong."""

from pathlib import Path

import pytest

from kedge.stack import failure, mirror, recipe, workspace

RUN_NEEDS = {
    "tini",
    "procps",
    "iproute2",
    "bash",
    "curl",
    "python3",
    "git",
    "zstd",
    "ca-certificates",
}


def test_the_build_image_has_all_of_the_run_image():
    """What links in a build links in a dyno: the build image's packages include the run image's."""
    run, build = recipe.run_recipe(), recipe.build_recipe()
    assert set(run.packages) < set(build.packages)
    assert set(run.packages) >= RUN_NEEDS
    assert "build-essential" in build.packages
    assert "python3-pip" not in build.packages


def test_a_recipes_digest_is_of_what_decides():
    """The digest differs between images and stays the same between calls; the label carries it."""
    run = recipe.run_recipe()
    assert run.digest == recipe.run_recipe().digest
    assert run.digest != recipe.build_recipe().digest
    assert f"kedge.stack.recipe={run.digest}" in run.labelled_changes()[-1]


def test_package_lists_are_plain_files():
    """Comments, empty lines and doubles do not count; names come sorted."""
    assert recipe.parse_packages("# why\nzip # z\n\nbash\nbash\n") == ("bash", "zip")


def test_apt_options_are_a_file_never_arguments():
    """Proxies carry passwords, so the command names a file and no option of apt."""
    command = recipe.run_recipe().command(Path("/tmp/apt.conf"), ("deb x y z",))
    assert "--setup-hook=upload /tmp/apt.conf /etc/apt/apt.conf.d/98kedge-host" in command
    hooks = tuple(f"--customize-hook={hook.read_text()}" for hook in recipe.run_recipe().hooks)
    assert not any("Acquire" in argument for argument in command if argument not in hooks)
    assert not any("aptopt" in argument for argument in command)


def test_hooks_are_handed_over_as_text():
    """Without root they run as a user of a namespace, who cannot enter a home of mode 0700."""
    for made in (recipe.run_recipe(), recipe.build_recipe(), recipe.addons_recipe()):
        command = made.command(Path("/tmp/apt.conf"), ("deb x y z",))
        texts = [f"--customize-hook={hook.read_text()}" for hook in made.hooks]
        assert texts
        assert set(texts) <= set(command)


DEB822 = """Types: deb
# http://snapshot.debian.org/archive/debian
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
"""


def test_a_debian_machines_own_mirror_is_used(tmp_path):
    """Both forms of apt sources are read; vendors' archives and disabled ones are not taken."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list").write_text(
        "deb [arch=amd64] https://vendor.example/apt stable main\n"
    )
    mirrors = mirror.choose_mirrors(mirror.host_sources(tmp_path))
    assert mirrors == ("http://mirror.example/debian", "http://mirror.example/debian-security")


def test_an_ubuntu_machine_uses_the_public_mirror(tmp_path):
    """A machine without Debian sources takes the public mirrors, with Debian's own keyring."""
    (tmp_path / "sources.list").write_text("deb http://archive.ubuntu.com/ubuntu noble main\n")
    mirrors = mirror.choose_mirrors(mirror.host_sources(tmp_path))
    assert mirrors == (mirror.PUBLIC_MIRROR, mirror.PUBLIC_SECURITY_MIRROR)
    lines = mirror.source_lines(mirrors, Path("/keys/debian.gpg"))
    assert lines[0] == "deb [signed-by=/keys/debian.gpg] http://deb.debian.org/debian trixie main"
    assert lines[2].split()[3] == "trixie-security"


def test_proxy_and_certificates_of_apt_are_kept():
    """Of the machine's apt options those about reaching a mirror are kept, and no others."""
    kept = mirror.kept_apt_options(
        'Acquire::http::Proxy "http://p:1";\nAcquire::http::Proxy "";\nAPT::Architecture "amd64";\n'
        'Acquire::https::CAInfo "/ca.crt";\nDPkg::Post-Invoke:: "x";\n'
    )
    assert 'Acquire::http::Proxy "http://p:1";' in kept
    assert 'Acquire::https::CAInfo "/ca.crt";' in kept
    assert "Architecture" not in kept
    assert "Post-Invoke" not in kept
    assert 'Proxy "";' not in kept


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tar: write error: No space left on device", "disk is full"),
        ("W: GPG error: NO_PUBKEY 0E98404D386FA1D9", "signature"),
        ("E: Failed to fetch http://x  Temporary failure resolving 'x'", "could not be reached"),
        ("E: Unable to locate package libfoo", "lacks a package"),
        ("newuidmap: write to uid_map failed", "root or user namespaces"),
        ("something else", "status 3"),
    ],
)
def test_failures_are_told_in_words(line, words):
    """What mmdebstrap says last becomes a reason and a remedy; the unknown is quoted."""
    error = failure.explain("run", 3, ["I: begin", line])
    assert words in error.reason
    assert error.remedy


def test_missing_programs_name_their_package(tmp_path, monkeypatch):
    """Without mmdebstrap, or without Debian's keyring, the error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(failure.StackRefused, match="apt-get install mmdebstrap"):
        failure.require_programs()
    for program in ("mmdebstrap", "apt-get"):
        (tmp_path / program).write_text("")
        (tmp_path / program).chmod(0o755)
    with pytest.raises(failure.StackRefused, match="install debian-archive-keyring"):
        failure.require_programs(tmp_path / "missing.gpg")


def test_another_architecture_is_refused():
    """Images made here must run there; names of one architecture are the same one."""
    failure.require_same_architecture("amd64", "x86_64")
    with pytest.raises(failure.StackRefused, match="arm64"):
        failure.require_same_architecture("arm64", "x86_64")


def test_an_explicit_temporary_folder_wins(tmp_path, monkeypatch):
    """TMPDIR decides where an image is laid out, before memory."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert workspace.temporary_folder() == tmp_path


def test_programs_that_debian_lacks_come_from_python_packages():
    """The add-ons' image gets rclone from beside us, and another version of it is another image."""
    addons = recipe.addons_recipe()
    (rclone,) = addons.programs
    assert rclone.file.is_file()
    assert f"--customize-hook=copy-in {rclone.file} /usr/local/bin" in addons.command(
        Path("/tmp/apt.conf"), ()
    )
