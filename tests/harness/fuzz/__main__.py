"""Hostile values, into records and out of the files that are made of them.

Each case is a declaration, or a record's file, made by hypothesis. What the library refuses, it
refuses with status 1 and one line of plain text. What it accepts is read by systemd, uWSGI, Apache
and Python themselves, beside a twin: the same record with plain numbers in place of its free
values. They have to see the same in both, but for the values, and those as they went in. Nothing is
written, and no value is run: that would leave a file 'canary'.

The parsers read many files at once. If they complain, the same seed runs again with a judgement of
its own for each case, and hypothesis shrinks the first that fails: it is printed as a command. One
line of JSON on standard output says what was done. The status is 0 if nothing was found, else 1.

Depends on hypothesis, systemd-analyze, uwsgi, apache2, mod_wsgi and mod_info.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
from typing import Optional

import hypothesis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness.command import Parser
from harness.fuzz.cases import Case, Cases
from harness.fuzz.judges import judge_all
from harness.fuzz.library import Accepted, Finding, Library, run_case

# cases of one seed, and how many are judged together
ROUND = 1000
BATCH = 120


class Round:
    """The cases of one seed."""

    def __init__(self, seed: int, cases: int, alone: Optional[int] = None) -> None:
        self.seed = seed
        self.cases = cases
        # from which case on each is judged by itself
        self.alone = alone
        self.batch: list[Accepted] = []
        # what was judged before
        self.first = 0
        self.done = self.judged = 0
        # what the parsers said of a batch; the rest of the round is for a
        # round that judges each case alone
        self.found: Optional[str] = None

    def renew(self) -> None:
        """A library whose system is as it was."""
        os.chdir('/')
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.library = Library(self.folder)

    def one(self, case: Case) -> None:
        if self.found is not None:
            return
        self.done += 1
        try:
            accepted = run_case(self.library, case)
            if accepted is None:
                return
            if self.alone is None:
                self.batch.append(accepted)
                if len(self.batch) == BATCH:
                    self.judge()
            elif self.done >= self.alone:
                judge_all(self.library, [accepted])
        except Finding as found:
            if self.alone is None:
                # it is made smaller now, and no batch is to find something else
                self.alone = sys.maxsize
            self.renew()
            raise Finding(str(found).partition('\n    ')[0] + f'\n    {case}') from None

    def judge(self) -> None:
        batch, self.batch = self.batch, []
        self.judged += len(batch)
        try:
            judge_all(self.library, batch)
            self.first = self.done
        except Finding as found:
            self.found = str(found)

    def run(self) -> Optional[str]:
        """None, or what was found."""
        with tempfile.TemporaryDirectory(prefix='fuzz-') as self.folder:
            self.renew()
            settings = hypothesis.settings(
                max_examples=self.cases, database=None, deadline=None,
                report_multiple_bugs=False,
                phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
                suppress_health_check=list(hypothesis.HealthCheck))
            check = hypothesis.given(Cases(self.folder).any())(self.one)
            try:
                hypothesis.seed(self.seed)(settings(check))()
                if self.found is None:
                    self.judge()
            except Finding as found:
                return str(found)
            finally:
                os.chdir('/')
        return self.found


def rounds(cases: int, seed: int) -> tuple[int, int, Optional[str]]:
    """Run so many cases; how many were run and judged, and what was found."""
    done = judged = 0
    while done < cases:
        this = Round(seed, min(ROUND, cases - done))
        found = this.run()
        done += this.done
        judged += this.judged
        if found is not None:
            found = Round(seed, ROUND, this.first).run() or found
            return done, judged, f'seed {seed}: {found}'
        if not this.done:
            break
        seed += 1
    return done, judged, None


def main() -> int:
    parser = Parser('fuzz', __doc__)
    parser.add_argument('--cases', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=1,
                        help=f'of the first {ROUND} cases; the next have the next')
    parser.add_argument('--jobs', type=int, default=1)
    args = parser.parse_args()
    # nothing that the caller's shell says counts
    os.environ.clear()
    os.environ.update({'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8'})
    share = -(-args.cases // args.jobs)
    children = [
        subprocess.Popen([sys.executable, os.path.dirname(os.path.abspath(__file__)),
                          '--cases', str(share), '--seed',
                          str(args.seed + at * -(-share // ROUND))], stdout=subprocess.PIPE)
        for at in range(1, args.jobs)]
    done, judged, found = rounds(share, args.seed)
    if found is not None:
        print(found, file=sys.stderr)
    status = found is not None
    for child in children:
        seen = json.loads(child.communicate()[0])
        done += seen['cases']
        judged += seen['accepted']
        status = status or bool(child.returncode)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({'cases': done, 'accepted': judged, 'seed': args.seed,
                      'cpu': round(sum(one.ru_utime + one.ru_stime for one in used))}))
    return int(status)


if __name__ == '__main__':
    sys.exit(main())
