#!/usr/bin/python3
"""Send requests on a schedule and count what comes back.

The schedule does not wait for answers (an open loop): while the server
pauses, requests pile up as they would from real clients, and the pause
shows. Times count from the moment when a request was due. Without
--connections each request has a connection of its own; with it, idle ones
are used again, and a request whose reused connection turns out to be closed
is sent once more on a new one (counted in "resent").

Failed is a request without the expected status: another one, an error of the
connection, or no answer in time. The exit status is 1 when any failed.

Prints "sent", "ok", "failed", "resent", "statuses", "errors",
"longest_pause_ms" (between one good answer and the next, the run's begin and
end included), "p50_ms" and "p99_ms" (of the good answers).

Standard library only; from Python 3.9 on.
"""

import argparse
import asyncio
import collections
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

CHUNK = 65536
LOOK_EVERY = 0.05       # seconds between two looks for --until-file


class Refused(Exception):
    """The peer's answer is no HTTP/1.1."""


class Load:
    def __init__(self, args):
        url = urllib.parse.urlsplit(args.url)
        self.args = args
        self.address = socket.getaddrinfo(
            url.hostname, url.port or 80, type=socket.SOCK_STREAM)[0][4][:2]
        self.request = self.compose(url)
        self.idle = []
        self.results: collections.Counter[str] = collections.Counter()
        self.statuses: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.latencies = []
        self.longest_pause = self.last = 0.0

    def compose(self, url):
        """All bytes of the request; it is the same one every time."""
        args = self.args
        target = url.path or '/'
        if url.query:
            target += '?' + url.query
        lines = [f'{args.method} {target} HTTP/1.1',
                 'Host: ' + url.netloc.rpartition('@')[2],
                 'User-Agent: load']
        lines += args.header
        if not args.connections:
            lines.append('Connection: close')
        body = b'x' * args.body_bytes
        if args.chunked:
            lines.append('Transfer-Encoding: chunked')
            body = b''.join(
                b'%x\r\n%b\r\n' % (len(part), part)
                for part in (body[i:i + CHUNK]
                             for i in range(0, len(body), CHUNK))
            ) + b'0\r\n\r\n'
        elif body:
            lines.append('Content-Length: %d' % len(body))
        return '\r\n'.join([*lines, '', '']).encode('latin-1') + body

    async def answer(self, reader):
        """Read one answer; its status, and whether to keep the connection."""
        head = await reader.readuntil(b'\r\n\r\n')
        first, *lines = head.decode('latin-1').split('\r\n')
        words = first.split(None, 2)
        if len(words) < 2 or not words[1].isdigit():
            raise Refused('no status line: %.40r' % first)
        status = int(words[1])
        if status == 100:
            return await self.answer(reader)
        headers = {}
        for line in lines:
            key, _, value = line.partition(':')
            headers[key.strip().lower()] = value.strip()
        keep = (words[0] == 'HTTP/1.1' and
                headers.get('connection', '').lower() != 'close')
        if self.args.method == 'HEAD' or status in (204, 304):
            pass
        elif headers.get('transfer-encoding', '').lower() == 'chunked':
            size = 1
            while size:
                line = await reader.readuntil(b'\r\n')
                size = int(line.split(b';')[0], 16)
                await reader.readexactly(size + 2)
        elif 'content-length' in headers:
            await reader.readexactly(int(headers['content-length']))
        else:
            await reader.read()
            keep = False
        return status, keep

    async def exchange(self):
        """Send the request once; its status."""
        reader = writer = None
        while writer is None and self.idle:
            reader, writer = self.idle.pop()
            if reader.at_eof() or writer.is_closing():
                writer.close()
                writer = None
        reused = writer is not None
        while True:
            if writer is None:
                reader, writer = await asyncio.open_connection(
                    *self.address)
            keep = False
            try:
                # no drain(): an answer may come before the body has gone
                writer.write(self.request)
                status, keep = await self.answer(reader)
                break
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if not reused or getattr(error, 'partial', False):
                    raise
                reused = False
                self.results['resent'] += 1
            finally:
                if keep and len(self.idle) < self.args.connections:
                    self.idle.append((reader, writer))
                else:
                    writer.close()
                    writer = None
        return status

    async def one(self, due):
        try:
            status = await asyncio.wait_for(self.exchange(),
                                            self.args.timeout)
        except asyncio.TimeoutError:
            return self.failed(self.errors, 'timeout')
        except asyncio.IncompleteReadError:
            return self.failed(self.errors, 'connection closed early')
        except (OSError, ValueError, asyncio.LimitOverrunError,
                Refused) as error:
            return self.failed(self.errors,
                               f'{type(error).__name__}: {error}')
        if status not in self.args.expect:
            return self.failed(self.statuses, str(status))
        now = time.monotonic()
        self.statuses[str(status)] += 1
        self.results['ok'] += 1
        self.latencies.append(now - due)
        self.pause(now)

    def failed(self, counter, what):
        counter[what] += 1
        self.results['failed'] += 1

    def pause(self, now):
        self.longest_pause = max(self.longest_pause, now - self.last)
        self.last = now

    async def run(self):
        args = self.args
        tasks = set()
        self.last = begin = look = time.monotonic()
        for number in range(round(args.rate * args.duration)):
            due = begin + number / args.rate
            now = time.monotonic()
            if now < due:
                await asyncio.sleep(due - now)
                now = due
            if args.until_file and now >= look:
                if os.path.exists(args.until_file):
                    break
                look = now + LOOK_EVERY
            task = asyncio.ensure_future(self.one(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            self.results['sent'] += 1
        if tasks:
            await asyncio.wait(tasks)
        self.pause(time.monotonic())
        for _, writer in self.idle:
            writer.close()
        return self.report()

    def report(self):
        times = sorted(self.latencies)

        def percentile(share):
            if not times:
                return None
            return round(1000 * times[int(share * (len(times) - 1))], 1)

        return {
            'sent': self.results['sent'],
            'ok': self.results['ok'],
            'failed': self.results['failed'],
            'resent': self.results['resent'],
            'statuses': dict(self.statuses),
            'errors': dict(self.errors),
            'longest_pause_ms': round(1000 * self.longest_pause, 1),
            'p50_ms': percentile(0.50),
            'p99_ms': percentile(0.99),
        }


class Background:
    """Requests on a schedule, sent by a process of its own until end()."""

    def __init__(self, url, rate, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.stop = os.path.join(self.folder.name, 'end')
        self.process = subprocess.Popen(
            [sys.executable, __file__, '--json', '--url', url, '--rate', str(rate),
             '--duration', '600', '--until-file', self.stop, *options],
            stdout=subprocess.PIPE, text=True)

    def end(self):
        """What they saw, as --json has it."""
        open(self.stop, 'w').close()
        seen = json.loads(self.process.communicate()[0])
        self.folder.cleanup()
        return seen


def status_set(text):
    return {int(word) for word in text.split(',')}


def positive(text):
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError('must be more than 0')
    return value


def parse(argv):
    about, _, rest = __doc__.partition('\n\n')
    parser = argparse.ArgumentParser(
        description=about, epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add('--url', required=True)
    add('--rate', type=positive, default=40, metavar='R',
        help='requests a second (40)')
    add('--duration', type=positive, default=10, metavar='S',
        help='seconds; with --until-file, at most that many (10)')
    add('--until-file', metavar='F', help='end as soon as this file exists')
    add('--method', default='GET', metavar='M')
    add('--header', action='append', default=[], metavar='"K: V"',
        help='repeatable')
    add('--body-bytes', type=int, default=0, metavar='N')
    add('--chunked', action='store_true',
        help='send the body with chunked transfer encoding')
    add('--expect', type=status_set, default={200}, metavar='CODE[,CODE…]',
        help='the good answers (200)')
    add('--timeout', type=positive, default=30, metavar='S',
        help='seconds for one request, connecting included (30)')
    add('--connections', type=int, default=0, metavar='N',
        help='keep up to N idle connections and use them again (0)')
    add('--json', action='store_true',
        help='print the result as one line of JSON, not as words')
    args = parser.parse_args(argv)
    if not args.url.startswith('http://'):
        parser.error(f"--url '{args.url}': write http://HOST:PORT/PATH")
    return args


def main(argv=None):
    args = parse(argv)
    # one descriptor for each request that waits
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    result = asyncio.run(Load(args).run())
    if args.json:
        print(json.dumps(result))
    else:
        print('sent %(sent)d, ok %(ok)d, failed %(failed)d, longest pause '
              '%(longest_pause_ms).0f ms' % result)
        for what, count in {**result['statuses'], **result['errors']}.items():
            print('%8d  %s' % (count, what))
    return 1 if result['failed'] or not result['sent'] else 0


if __name__ == '__main__':
    sys.exit(main())
