"""Glance: an image, sent in chunks and read back."""

import hashlib
import time

from harness.client import Failed, pieces

IMAGE_MIB = 64


def image(service):
    made = service.call('POST', '/v2/images', 201, {
        'name': 'demo', 'disk_format': 'raw',
        'container_format': 'bare'}).json()
    path = '/v2/images/' + made['id']
    sent = hashlib.sha512()
    got = hashlib.sha512()
    begin = time.monotonic()
    service.call('PUT', path + '/file', 204, pieces(IMAGE_MIB, sent),
                 {'Content-Type': 'application/octet-stream'})
    middle = time.monotonic()
    service.call('GET', path + '/file', 200, sink=got.update)
    end = time.monotonic()
    kept = service.call('GET', path, 200).json()
    digest = sent.hexdigest()
    if not digest == got.hexdigest() == kept['os_hash_value']:
        raise Failed('sha512 sent {:.16}, read back {:.16}, Glance says {:.16}'.format(
            digest, got.hexdigest(), kept['os_hash_value']))
    return ('image: %d MiB sent in chunks in %.1f s, read back in %.1f s, '
            'sha512 %.12s... both times' % (
                IMAGE_MIB, middle - begin, end - middle, digest))


PROOFS = {'glance-api': image}
HEADERS = {'X-Auth-Token': 'admin'}
