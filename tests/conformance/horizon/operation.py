"""Horizon: the page on which to sign in."""

from harness.client import Failed


def page(service):
    text = service.call('GET', '/auth/login/', 200).body.decode()
    if 'csrfmiddlewaretoken' not in text or 'name="password"' not in text:
        raise Failed('no form in ' + ' '.join(text.split())[:200])
    return 'login page: a form in %d characters' % len(text)


PROOFS = {'horizon': page}
