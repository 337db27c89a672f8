#!/usr/bin/python3
"""Import images into Glance, read them back, and say what was seen.

  imports.py URL [--method M] [--number N] [--mib S] [--together K]

With glance-direct each image is made, staged in chunks and imported; with
web-download Glance fetches --source itself, which is FILE here. An image
counts when it is active, and its data read back are what was sent.

Standard library only; it runs in the machine, where Glance is.
"""

import argparse
import concurrent.futures
import hashlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness.client import MIB, Failed, Service, pieces, tell

PAUSE = 0.1
# what Glance keeps on an image while a task is at work on it
LOCK = 'os_glance_import_task'


class Imports:
    def __init__(self, args):
        self.args = args
        self.service = Service(args.url, {'X-Auth-Token': 'admin'})

    def made(self):
        return self.service.call('POST', '/v2/images', 201, {
            'name': 'import', 'disk_format': 'raw',
            'container_format': 'bare'}).json()['id']

    def stage(self, path):
        """Send random data in chunks; their digest."""
        sent = hashlib.sha512()
        self.service.call('PUT', path + '/stage', 204,
                          pieces(self.args.mib, sent),
                          {'Content-Type': 'application/octet-stream'})
        return sent.hexdigest()

    def source(self):
        """The digest of what Glance is to fetch."""
        found = hashlib.sha512()
        with open(self.args.file, 'rb') as data:
            while piece := data.read(MIB):
                found.update(piece)
        return found.hexdigest()

    def tasks(self, path):
        tasks = self.service.call('GET', path + '/tasks', 200).json()['tasks']
        return ', '.join('{} ({})'.format(task['status'], task['message'])
                         for task in tasks) or 'no task'

    def ended(self, path, image):
        """Wait until Glance takes its lock off the image, its last writing.

        It has said before that the task succeeded. With sqlite another writer
        beside it may be answered 500.
        """
        limit = time.monotonic() + self.args.limit
        while LOCK in self.service.call('GET', path, 200).json():
            if time.monotonic() > limit:
                raise Failed('%s: active, and locked after %d s: %s' % (
                    image, self.args.limit, self.tasks(path)))
            time.sleep(PAUSE)

    def active(self, path, image):
        """Wait until the import is over; the image as Glance has it."""
        limit = time.monotonic() + self.args.limit
        while True:
            kept = self.service.call('GET', path, 200).json()
            if kept['status'] == 'active':
                return kept
            # not its tasks: Glance tidies up when it is asked for them, and
            # sqlite has one writer, which is the import
            if kept.get('os_glance_failed_import'):
                raise Failed('{}: {}, the import failed: {}'.format(
                    image, kept['status'], self.tasks(path)))
            if time.monotonic() > limit:
                raise Failed('%s: %s after %d s: %s' % (
                    image, kept['status'], self.args.limit,
                    self.tasks(path)))
            time.sleep(PAUSE)

    def one(self, _):
        """One import; the seconds from the request for it until active."""
        image = self.made()
        path = '/v2/images/' + image
        method = {'name': self.args.method}
        if self.args.method == 'web-download':
            method['uri'] = self.args.source
            sent = self.source()
        else:
            sent = self.stage(path)
        begin = time.monotonic()
        self.service.call('POST', path + '/import', 202, {'method': method})
        kept = self.active(path, image)
        took = time.monotonic() - begin
        got = hashlib.sha512()
        self.service.call('GET', path + '/file', 200, sink=got.update)
        if not sent == got.hexdigest() == kept['os_hash_value']:
            raise Failed('{}: sent {:.12}, read back {:.12}, Glance says {:.12}'.format(
                image, sent, got.hexdigest(), kept['os_hash_value']))
        self.ended(path, image)
        return took

    def all(self):
        """The imports; Failed with the reasons when some did not go well."""
        took, reasons = [], []
        with concurrent.futures.ThreadPoolExecutor(self.args.together) as pool:
            for future in [pool.submit(self.one, number)
                           for number in range(self.args.number)]:
                try:
                    took.append(future.result())
                except Failed as error:
                    reasons.append(str(error))
        said = '%s: %d of %d read back equal' % (
            self.args.method, len(took), self.args.number)
        if took:
            said += f', active after {min(took):.1f} to {max(took):.1f} s'
        if reasons:
            raise Failed('\n'.join([said, *reasons]))
        return said


def read_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.partition('\n')[0])
    parser.add_argument('url', help='where Glance answers')
    parser.add_argument('--method', default='glance-direct',
                        choices=('glance-direct', 'web-download'))
    parser.add_argument('--number', type=int, default=20)
    parser.add_argument('--mib', type=int, default=4)
    parser.add_argument('--together', type=int, default=1,
                        help='so many at once')
    parser.add_argument('--limit', type=int, default=120,
                        help='seconds for one import')
    parser.add_argument('--source', help='what is fetched: a URL')
    parser.add_argument('--file', help='the same, as a file')
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(tell(Imports(read_arguments()).all))
