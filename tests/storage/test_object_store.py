"""The same dataset in an S3-compatible store (moto's server on the loopback)."""

from collections.abc import Iterator
from typing import Any

import ebpf_overhead
import pytest

from tasks.model.errors import DatasetError
from tasks.storage.dataset import Dataset

moto_server = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, Any]]:
    """fsspec's options of a running store with a bucket `sites`."""
    import fsspec

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "k", "secret": "s", "endpoint_url": f"http://{host}:{port}"}
    fsspec.filesystem("s3", **options).mkdir("sites")
    yield options
    server.stop()


def test_two_sites_write_to_one_dataset(bucket, run_tables):
    for site in ("north", "south"):
        Dataset("s3://sites/all", bucket).replace(site, "1", run_tables(site, "1"))
    found = Dataset("s3://sites/all", bucket).scan("cells").collect()
    assert sorted(set(found["environment"])) == ["north", "south"]
    assert found.height == 4


def test_writing_a_run_again_replaces_it(bucket, run_tables):
    dataset = Dataset("s3://sites/again", bucket)
    dataset.replace("lab", "1", run_tables("lab", "1", cells=5))
    dataset.replace("lab", "1", run_tables("lab", "1", cells=3))
    assert dataset.scan("samples").collect().height == 3


def test_an_empty_bucket_has_tables_without_rows(bucket):
    assert Dataset("s3://sites/none", bucket).scan("runs").collect().height == 0


def test_the_error_for_a_missing_bucket_is_one_line(bucket, run_tables):
    with pytest.raises(DatasetError) as caught:
        Dataset("s3://elsewhere/x", bucket).replace("lab", "1", run_tables("lab", "1"))
    assert "s3://elsewhere/x" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_secret_is_never_printed(bucket):
    store = Dataset("s3://sites/all", bucket | {"secret": "canary-secret"})._store
    assert "canary-secret" not in repr(store)


def test_duckdb_reads_the_bucket_with_the_datasets_options(bucket, run_tables):
    pytest.importorskip("duckdb")
    Dataset("s3://sites/duck", bucket).replace("lab", "1", run_tables("lab", "1", cells=5))
    found = ebpf_overhead.open("s3://sites/duck", bucket).duckdb().sql("select count(*) from cells")
    assert found.fetchall() == [(5,)]
