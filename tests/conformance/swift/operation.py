"""Swift: an object, sent in chunks to a container and read back."""

import hashlib
import uuid

from harness.client import MIB, Failed, pieces

OBJECT_MIB = 16


def stored(service):
    sent = hashlib.md5()
    got = hashlib.md5()
    container = '/v1/AUTH_demo/' + str(uuid.uuid4())
    service.call('PUT', container, 201, b'')
    put = service.call('PUT', container + '/object', 201,
                       pieces(OBJECT_MIB, sent))
    answer = service.call('GET', container + '/object', 200, sink=got.update)
    size = int(answer.headers['Content-Length'])
    digest = sent.hexdigest()
    if (size, got.hexdigest(), put.headers['ETag'].strip('"')) != (
            OBJECT_MIB * MIB, digest, digest):
        raise Failed('md5 sent %.12s, read back %.12s, Swift says %s; '
                     '%d bytes' % (digest, got.hexdigest(),
                                   put.headers['ETag'], size))
    service.call('DELETE', container + '/object', 204)
    return ('object: %d MiB sent in chunks and read back, md5 %.12s... both '
            'times' % (OBJECT_MIB, digest))


PROOFS = {'swift-proxy': stored}
