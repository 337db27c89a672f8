"""The front: the web server that clients speak to. One module here for each, one in use."""

from __future__ import annotations

import functools
from typing import Iterable, Optional, Protocol, Sequence

from devstack_wsgi.record import Record
from devstack_wsgi.servers import Facts, File


class Front(Protocol):
    """What a front answers. Nothing here changes anything; lib/fronts does.

    title:     its name in messages
    packaging: dpkg or rpm, by the layout that it is installed in
    unit:      its unit
    """

    title: str = ''
    packaging: str = 'dpkg'
    unit: str = ''

    def site(self, record: Record, backend: Record, facts: Facts) -> str:
        """The text of a service's site.

        backend: the record whose server gets the requests, with its facts: the service itself, or
        the one that stands in for it
        """

    def helpers(self) -> tuple[File, ...]:
        """The programs that sites call."""

    def unlogged(self, text: str) -> str:
        """A site's text without what only access lines depend on."""

    def proxy(self, name: str, url: str, path: str) -> str:
        """The text of a site that only passes requests on."""

    def site_path(self, site: str) -> str:
        """Where a site's text is written."""

    def site_of(self, path: str) -> str:
        """The name of the site that a path is the text of; '' if it is none."""

    def effective(self, path: str) -> str:
        """Where the front reads a site: elsewhere than it was written, if somebody edited its link
        with a program that puts a file in its place.
        """

    def link(self, path: str) -> Optional[tuple[str, str]]:
        """The link that enables a site, and where it leads; None where none is needed."""

    def is_enabled(self, path: str) -> bool:
        """Whether the front reads a site."""

    def serves(self, text: str, path: str) -> bool:
        """Whether a site's text, by whomever, passes on the requests of a URL's path."""

    def asks(self, text: str, path: str, address: str) -> bool:
        """Whether a site's text, by whomever, passes the requests of a URL's path on to HOST:PORT,
        in HTTP.
        """

    def find(self, backend: str) -> tuple[str, str, str]:
        """The name and the URL's path of the enabled site that passes requests on to a backend, a
        socket's path or http://HOST:PORT, and what somebody added to what DevStack's own functions
        write; all '' without one.
        """

    def modules(self, backends: Iterable[Facts], proxies: bool) -> list[str]:
        """The modules that sites need and that are not loaded yet."""

    def group(self) -> str:
        """The group that it runs as. Raises Refused."""

    def workers(self) -> tuple[int, int]:
        """How many requests it can have in work at once, and how many of these in each of its
        processes. Raises Refused.
        """

    def advice(self) -> str:
        """What to write where its own limits are too low for services; '' where they are not."""

    def limits(self) -> tuple[str, str]:
        """The file for its own limits, and the text under which services do not get in each
        other's way.
        """

    def asked(self) -> Optional[tuple[str, str]]:
        """The file that keeps what group() and workers() had to ask, and its text; None if nothing
        was asked.
        """

    def kept(self) -> str:
        """The file of asked()."""

    def addresses(self, records: Sequence[Record]) -> list[str]:
        """Where each service answers, as a URL without a slash at its end: of several the
        likeliest, without a question to the front.
        """

    def find_address(self, record: Record) -> tuple[str, list[str]]:
        """The same for a service behind the front, of whose site the front was asked; '' and what
        each address said where none has it.
        """

    def is_up(self) -> bool:
        """Whether it runs, without a question to systemd."""

    def verdict(self) -> str:
        """What it says against its configuration, '' where that is good."""


@functools.lru_cache(None)
def front() -> Front:
    """The front of this machine."""
    from devstack_wsgi.fronts.apache import Apache
    return Apache()


def share(record: Record) -> tuple[int, int]:
    """How many requests a service may hold in the front, and in each of its processes; 0 without a
    bound. By default any two services leave a fifth of the threads to the others.
    """
    if record.in_flight == 'off' or not record.path or record.bypassed:
        return 0, 0
    threads, each = front().workers()
    most = int(record.in_flight) if record.in_flight else max(threads * 2 // 5, 1)
    return most, max(most * each // threads, 1)
