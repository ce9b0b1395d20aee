"""Datasets on an S3 server on loopback."""

import socket
import subprocess
import sys
import time

import pyarrow as pa
import pytest

import socialframe as sf
from socialframe.dataset import history
from socialframe.dataset.storage import Storage

BUCKET = """
import sys, boto3
boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1").create_bucket(Bucket="bucket")
"""


@pytest.fixture(scope="module")
def s3_server():
    """Serve S3 in another process: delta-rs holds the interpreter while it waits."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """Return the URL of a bucket, with the usual environment for it."""
    values = {"ENDPOINT_URL": s3_server, "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "hidden0secret"}
    values |= {"REGION": "us-east-1", "ALLOW_HTTP": "true", "EC2_METADATA_DISABLED": "true"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    subprocess.run([sys.executable, "-c", BUCKET, s3_server], check=True)
    return "s3://bucket"


@pytest.mark.processes
@pytest.mark.sockets
def test_a_dataset_on_object_storage(s3, changing):
    """Refresh, history, reading; a second refresh at the same time gives way."""
    url = f"{s3}/posts"
    dataset = sf.Dataset(url, changing.api.posts(since="2026-11-01"))
    assert dataset.refresh().inserted > 0
    first, second = (post["id"] for post in changing.posts()[:2])
    changing.edit(first, content="edited")
    changing.delete(second)
    changing.now += 60
    refresh = sf.open_dataset(url, client=changing.api).refresh()
    assert (refresh.inserted, refresh.updated, refresh.deleted) == (0, 1, 1)
    frame = dataset.frame().set_index("id")
    assert frame.loc[first, "content"] == "edited"
    assert second not in frame.index
    assert dataset.changes()["change"].value_counts().to_dict()["delete"] == 1
    assert isinstance(dataset.scan().to_table(), pa.Table)

    class Meanwhile:
        """Refreshes the dataset while another refresh is at its first request."""

        done = False

        def asking(self):
            if not self.done:
                self.done = True
                changing.edit(first, content="again")
                sf.open_dataset(url, client=changing.api).refresh(progress=False)

        def advance(self, rows, *, total):
            """Count nothing."""

        note = say = advance

        def close(self):
            """Keep nothing."""

    with pytest.raises(sf.DatasetError, match="run it again") as caught:
        changing.edit(first, content="once more") or dataset.refresh(progress=Meanwhile())
    assert caught.value.retryable
    storage = Storage(url)
    assert not history.uncommitted(storage.open(), storage.open_history(), pending=True)
    assert dataset.frame().set_index("id").loc[first, "content"] == "again"
    assert dataset.changes()["content"].tolist()[-1] == "again"
    assert dataset.refresh().unchanged > 0
    with pytest.raises(sf.FileError, match="There is no dataset"):
        sf.open_dataset(f"{s3}/nothing")
