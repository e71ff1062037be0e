"""Builds of what was pushed before."""

import pytest
from git import Repo

from kedge.engine.git import Repositories
from kedge.errors import InvalidParams
from kedge.ops import builds, rebuilds


@pytest.fixture
def repositories(services):
    return Repositories(services.settings.home / "repos", 10)


def test_a_pushed_commit_is_built_again(services, owner, hello, repositories, deployer, tmp_path):
    """Any commit that was pushed is a source again; what was never pushed is refused in words."""
    with pytest.raises(InvalidParams, match="Nothing has been pushed"):
        rebuilds.rebuild(services, repositories, owner.actor, "hello", "main")
    assert rebuilds.commits(services, repositories, owner.actor, "hello", 5) == []

    first = pushed(repositories.ensure(hello_id(services, owner)), tmp_path)
    (listed,) = rebuilds.commits(services, repositories, owner.actor, "hello", 5)
    assert (listed.sha, listed.subject) == (first, "one")

    build = rebuilds.rebuild(services, repositories, owner.actor, "hello", first[:8])
    assert (build.source_version, build.source_version_description) == (first, "one")
    builds.run(services, deployer.builder, build.id)
    assert deployer.api.get("/apps/hello/releases/3")["description"] == f"Deploy {first[:8]}"

    for name in ("never", "", "x" * 300, "a\nb"):
        with pytest.raises(InvalidParams):
            rebuilds.rebuild(services, repositories, owner.actor, "hello", name)


def hello_id(services, owner):
    from kedge.ops import apps

    return apps.find(services, owner.actor, "hello").id


def pushed(path, folder):
    """A repository with one commit; its id."""
    work = Repo.init(folder / "work", initial_branch="main")
    with work.config_writer() as config:
        config.set_value("user", "name", "Test")
        config.set_value("user", "email", "test@localhost")
    (folder / "work" / "Procfile").write_text("web: python app.py\n")
    work.index.add(["Procfile"])
    commit = work.index.commit("one")
    work.close()
    repository = Repo(path)
    repository.git.fetch(str(folder / "work"), "main:main")  # a push would wait for its build
    repository.close()
    return commit.hexsha
