"""Nova: the servers of its API, and the versions of the metadata."""

from harness.client import Failed


def compute(service):
    versions = service.call('GET', '/', 200).json()['versions']
    servers = service.guarded('/v2.1/servers/detail')['servers']
    return 'servers: 401 without a token, %d servers with; versions %s' % (
        len(servers), ' '.join(version['id'] for version in versions))


def metadata(service):
    answer = service.call('GET', '/', 200)
    versions = answer.body.decode().split()
    if 'latest' not in versions:
        raise Failed('no "latest" in ' + ' '.join(versions)[:200])
    return 'metadata: %d versions up to %s' % (len(versions), versions[-1])


PROOFS = {'nova-api': compute, 'nova-metadata': metadata}
HEADERS = {'X-Auth-Token': 'admin'}
