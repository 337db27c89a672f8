"""Nova: the servers of its API, and the versions of the metadata."""

from client import Failed, Service


def compute(service):
    versions = service.call('GET', '/', 200).json()['versions']
    Service(service.url.geturl()).call('GET', '/v2.1/servers', 401)
    servers = service.call('GET', '/v2.1/servers/detail',
                           200).json()['servers']
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
