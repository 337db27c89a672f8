"""Kuryr: what it tells Docker that it is."""

from harness.client import Failed


def activation(service):
    seen = service.call('POST', '/Plugin.Activate', 200, b'').json()
    if seen != {'Implements': ['NetworkDriver', 'IpamDriver']}:
        raise Failed(f'answered {seen}')
    return 'activation: it implements ' + ' and '.join(seen['Implements'])


PROOFS = {'kuryr-libnetwork': activation}
