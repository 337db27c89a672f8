"""Barbican: a secret, kept and read back."""

from harness.client import Failed

SECRET = b'a word that is not for all'


def secret(service):
    made = service.call('POST', '/v1/secrets', 201, {
        'name': 'demo', 'payload': SECRET.decode(),
        'payload_content_type': 'text/plain'}).json()
    number = made['secret_ref'].rpartition('/')[2]
    seen = service.call('GET', f'/v1/secrets/{number}/payload', 200,
                        headers={'Accept': 'text/plain'}).body
    if seen != SECRET:
        raise Failed(f'kept {SECRET!r}, read {seen!r}')
    return 'secret: %d bytes kept and read back' % len(seen)


PROOFS = {'barbican-api': secret}
HEADERS = {'X-Auth-Token': 'admin'}
