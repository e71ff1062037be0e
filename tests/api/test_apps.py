def test_create(api):
    """An app is made with the name asked for and its first two releases."""
    app = api.post("/apps", {"name": "hello"})
    assert app["name"] == "hello"
    rows = api.get("/apps/hello/releases")
    assert [r["description"] for r in rows] == ["Initial release", "Enable Logplex"]
