"""Panko: the types of events that it has."""


def types(service):
    seen = service.call('GET', '/v2/event_types', 200).json()
    return 'event types: %d' % len(seen)


PROOFS = {'panko-api': types}
HEADERS = {'X-Roles': 'admin', 'X-User-Id': 'demo', 'X-Project-Id': 'demo'}
