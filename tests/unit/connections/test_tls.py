"""The files of TLS to a daemon."""

from __future__ import annotations

import errno
import os
import ssl
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from fakes.http.certificates import Certificate, make_certificate
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.control_files import MAX_SIZE
from imagebuilders.exceptions import ConfigurationError

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    """A certificate that is its own authority."""
    return make_certificate("localhost")


@pytest.fixture
def folder(tmp_path: Path, certificate: Certificate) -> Path:
    """The three files, as Docker names them."""
    (tmp_path / "ca.pem").write_bytes(certificate.certificate)
    (tmp_path / "cert.pem").write_bytes(certificate.certificate)
    (tmp_path / "key.pem").write_bytes(certificate.key)
    return tmp_path


def test_files_of_a_folder(folder: Path) -> None:
    """Those count that are there; a link that leads nowhere is missed when it is used."""
    (folder / "ca.pem").unlink()
    (folder / "key.pem").unlink()
    (folder / "key.pem").symlink_to("nowhere")
    files = TLSFiles.in_directory(folder, verify=False)
    assert files == TLSFiles(None, folder / "cert.pem", folder / "key.pem", verify=False)
    with pytest.raises(ConfigurationError, match=r"key\.pem cannot be read: no such file"):
        files.client_context()


@pytest.mark.parametrize("verify", [True, False])
def test_context(folder: Path, verify: bool) -> None:
    """The daemon's certificate is checked by the given authority alone, or not at all."""
    context = TLSFiles.in_directory(folder, verify=verify).client_context()
    assert context.verify_mode is (ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    assert context.check_hostname is verify
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    if verify:
        assert [ca["subject"] for ca in context.get_ca_certs()] == [
            ((("commonName", "fake server"),),)
        ]


def test_the_systems_authorities() -> None:
    """They count when no other is given."""
    context = TLSFiles().client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ca.pem", None, r"ca\.pem cannot be read: no such file"),
        ("cert.pem", None, r"cert\.pem cannot be read: no such file"),
        ("key.pem", None, r"key\.pem cannot be read: no such file"),
        ("ca.pem", b"garbage", r"ca\.pem holds no certificate that can be used"),
        ("cert.pem", b"garbage", r"cert\.pem with the key .*key\.pem cannot be used"),
        ("key.pem", b"garbage", r"cert\.pem with the key .*key\.pem cannot be used"),
    ],
)
def test_file_at_fault(folder: Path, name: str, content: bytes | None, words: str) -> None:
    """It is named, with what is wrong with it."""
    files = TLSFiles.in_directory(folder, verify=True)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        files.client_context()
    assert str(folder) in str(caught.value.file)


@pytest.mark.parametrize(("there", "missing"), [("cert.pem", "key.pem"), ("key.pem", "cert.pem")])
def test_half_a_pair(folder: Path, there: str, missing: str) -> None:
    """A certificate without its key is of no use."""
    (folder / missing).unlink()
    with pytest.raises(ConfigurationError, match=rf"{there} needs .*{missing}"):
        TLSFiles.in_directory(folder, verify=True).client_context()


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
def test_what_is_no_file(folder: Path, name: str) -> None:
    """A pipe would be waited for without end."""
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read: it is a pipe"):
        TLSFiles.in_directory(folder, verify=True).client_context()


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
def test_a_file_of_any_size(folder: Path, name: str) -> None:
    """OpenSSL would read a file of zeros to its end, without a line to stop at."""
    os.truncate(folder / name, MAX_SIZE + 1)
    with pytest.raises(ConfigurationError, match=f"{name} cannot be read: it has more than"):
        TLSFiles.in_directory(folder, verify=True).client_context()


def test_a_folder_that_may_not_be_looked_into(folder: Path, mocker: MockerFixture) -> None:
    """Whether it holds the files is not known; reading them says why not."""
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    mocker.patch("pathlib.Path.lstat", side_effect=denied)
    mocker.patch("imagebuilders.control_files.os.stat", side_effect=denied)
    with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read: Permission denied"):
        TLSFiles.in_directory(folder, verify=True).client_context()


def test_key_with_a_password(folder: Path) -> None:
    """It is refused; nobody is asked for the password at the terminal."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"s3cret"),
    )
    (folder / "key.pem").write_bytes(encrypted)
    with pytest.raises(ConfigurationError, match="the key is encrypted"):
        TLSFiles.in_directory(folder, verify=True).client_context()
