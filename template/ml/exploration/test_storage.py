"""Storage is reached as the person who is signed in, without Azure."""

import io

import pandas as pd
import pytest
import storage


class Download:
    def __init__(self, content):
        self.content = content

    def readall(self):
        return self.content


class Store:
    """Stands in for the clients of blobs and of the share, and remembers how it was opened."""

    def __init__(self):
        self.files = {}
        self.opened = []

    def blob(self, url, container, path, credential):
        self.opened.append((url, container, credential))
        return File(self, f"{container}/{path}")

    def share(self, url, name, credential, token_intent):
        self.opened.append((url, name, credential))
        assert token_intent == "backup"
        return self

    def get_file_client(self, name):
        return File(self, name)

    def list_directories_and_files(self):
        return [{"name": name} for name in sorted(self.files)]


class File:
    def __init__(self, store, name):
        self.store, self.name = store, name

    def download_blob(self):
        return Download(self.store.files[self.name])

    download_file = download_blob

    def upload_blob(self, content, overwrite):
        assert overwrite
        self.store.files[self.name] = content

    def upload_file(self, file):
        self.store.files[self.name] = file.read()


@pytest.fixture
def store(monkeypatch):
    store = Store()
    monkeypatch.setattr(storage, "BlobClient", store.blob)
    monkeypatch.setattr(storage, "ShareClient", store.share)
    monkeypatch.setattr(storage, "AzureCliCredential", lambda: "whoever is signed in")
    return store


def test_data_is_read_and_results_are_kept_beside_it(store):
    store.files["data/machines.csv"] = b"a,b\n1,2\n"
    frame = storage.read_table("stdemo", "machines.csv")
    storage.keep_table("stdemo", "first/look.csv", frame)
    assert pd.read_csv(io.BytesIO(store.files["exploration/first/look.csv"])).equals(frame)
    url = "https://stdemo.blob.core.windows.net"
    assert store.opened == [(url, name, "whoever is signed in") for name in ("data", "exploration")]


def test_files_travel_over_the_share(store, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("seen", encoding="utf-8")
    storage.main(["--account", "stdemoexp", "put", "notes.txt"])
    (tmp_path / "notes.txt").unlink()
    storage.main(["--account", "stdemoexp", "list"])
    storage.main(["--account", "stdemoexp", "take", "notes.txt"])
    assert capsys.readouterr().out == "notes.txt\n"
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "seen"
    assert store.opened[0] == ("https://stdemoexp.file.core.windows.net", "team", "whoever is signed in")
