"""The front: the web server that clients speak to. One module here for each, one in use."""

from __future__ import annotations

import functools
from typing import Iterable, Optional

from devstack_wsgi.record import Record
from devstack_wsgi.servers import Facts


class Front:
    """What a front answers. Nothing here changes anything; lib/fronts does.

    title:     its name in messages
    packaging: dpkg or rpm, by the layout that it is installed in
    unit:      its unit
    """

    title = ''
    packaging = 'dpkg'
    unit = ''

    def site(self, record: Record, backend: Record, facts: Facts) -> str:
        """The text of a service's site.

        backend: the record whose server gets the requests, with its facts: the service itself, or
        the one that stands in for it
        """
        raise NotImplementedError

    def proxy(self, name: str, url: str, path: str) -> str:
        """The text of a site that only passes requests on."""
        raise NotImplementedError

    def site_path(self, site: str) -> str:
        """Where a site's text is written."""
        raise NotImplementedError

    def site_of(self, path: str) -> str:
        """The name of the site that a path is the text of; '' if it is none."""
        raise NotImplementedError

    def effective(self, path: str) -> str:
        """Where the front reads a site: elsewhere than it was written, if somebody edited its link
        with a program that puts a file in its place.
        """
        raise NotImplementedError

    def link(self, path: str) -> Optional[tuple[str, str]]:
        """The link that enables a site, and where it leads; None where none is needed."""
        raise NotImplementedError

    def is_enabled(self, path: str) -> bool:
        raise NotImplementedError

    def serves(self, text: str, path: str) -> bool:
        """Whether a site's text, by whomever, passes on the requests of a URL's path."""
        raise NotImplementedError

    def asks(self, text: str, path: str, address: str) -> bool:
        """Whether a site's text, by whomever, passes the requests of a URL's path on to HOST:PORT,
        in HTTP.
        """
        raise NotImplementedError

    def find(self, backend: str) -> tuple[str, str, str]:
        """The name and the URL's path of the enabled site that passes requests on to a backend, a
        socket's path or http://HOST:PORT, and what somebody added to what DevStack's own functions
        write; all '' without one.
        """
        raise NotImplementedError

    def modules(self, backends: Iterable[Facts], proxies: bool) -> list[str]:
        """The modules that sites need and that are not loaded yet."""
        raise NotImplementedError

    def group(self) -> str:
        """The group that it runs as. Raises Refused."""
        raise NotImplementedError

    def asked(self) -> Optional[tuple[str, str]]:
        """The file that keeps what group() had to ask, and its text; None if nothing was asked."""
        raise NotImplementedError

    def kept(self) -> str:
        """The file of asked()."""
        raise NotImplementedError

    def address(self, record: Record) -> str:
        """Where a service answers, as a URL without a slash at its end."""
        raise NotImplementedError

    def is_up(self) -> bool:
        """Whether it runs, without a question to systemd."""
        raise NotImplementedError

    def verdict(self) -> str:
        """What it says against its configuration, '' where that is good."""
        raise NotImplementedError


@functools.lru_cache(None)
def front() -> Front:
    """The front of this machine."""
    from devstack_wsgi.fronts.apache import Apache
    return Apache()
