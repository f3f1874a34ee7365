"""Objects in a bucket of S3, or of a server that speaks its protocol.

django-storages makes the connection. Its files are not used: they are downloaded whole before they are read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from mail.raw.objects import File
from mail.types import StoreUnavailable

_GONE = {"NoSuchKey", "InvalidRange"}


class Bucket(S3Storage):  # type: ignore[misc] # django-storages has no types
    """A bucket as a mail.raw.objects.ObjectStore. Credentials are found as boto3 finds them: AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE, or the machine's role."""

    def __init__(self, address: str, bucket: str, prefix: str, endpoint: str = "", region: str = "") -> None:
        super().__init__(
            bucket_name=bucket,
            location=prefix,
            endpoint_url=endpoint or None,
            region_name=region or None,
            # django-storages knows the key's two variables and no session token; boto3 alone knows them all.
            access_key=None,
            secret_key=None,
            client_config=Config(
                s3={"addressing_style": "path" if endpoint else "auto"},
                max_pool_connections=100,  # greenlets of a worker
                connect_timeout=10,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 4},
                # Servers other than Amazon's know these checksums in part; frames have their own.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._address = address
        self._prefix = f"{prefix}/" if prefix else ""
        # A client serves all threads; the storage itself would make one, of some megabytes, for each greenlet.
        self._client = self.connection.meta.client

    def write(self, key: str, content: File) -> None:
        """See ObjectStore."""
        with self._errors():
            self._client.put_object(Bucket=self.bucket_name, Key=self._prefix + key, Body=content)

    def read(self, key: str, at: int, size: int) -> bytes:
        """See ObjectStore."""
        with self._errors():
            answer = self._client.get_object(
                Bucket=self.bucket_name, Key=self._prefix + key, Range=f"bytes={at}-{at + size - 1}"
            )
            content: bytes = answer["Body"].read()
        return content

    def remove(self, key: str) -> None:
        """See ObjectStore."""
        with self._errors():
            self._client.delete_object(Bucket=self.bucket_name, Key=self._prefix + key)

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """See ObjectStore."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._errors():
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=self._prefix + prefix):
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(self._prefix), found["LastModified"]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise LookupError("the object is gone or cut off") from error
            raise StoreUnavailable(self._address, error) from error
        except BotoCoreError as error:
            raise StoreUnavailable(self._address, error) from error
