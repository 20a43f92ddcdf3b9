"""run.py ARCH: Debian's own dynamically linked programs, unmodified, in one boot.

Each row is a command for bash and what it must print; QUOIN_RUN_OPTIONS=--oracle shows that Linux
prints the same. What needs more than a line is in the scripts beside this file.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../ci"))
import report as reports  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ("bash", "coreutils", "findutils", "grep", "sed", "gzip", "xz-utils", "perl-base",
            "lua5.4", "sqlite3", "python3.11", "tcc", "libc6-dev")
SCRIPTS = ("python.py", "perl.pl", "answer.c")
MEMORY = "1G"
MARK = "---- "

ROWS = (
    ("bash: pipelines and substitutions",
     "a=(3 1 2); printf '%s\\n' \"${a[@]}\" | sort | tr '\\n' ' '; comm -13 <(seq 3) <(seq 4)",
     "1 2 3 4\n"),
    ("bash: a coprocess", "coproc rev; echo abc >&${COPROC[1]}; exec {COPROC[1]}>&-; cat <&${COPROC[0]}",
     "cba\n"),
    ("coreutils: sort, split, checksum", "cd /tmp; seq 20000 | sort -R --random-source=/bin/bash > r; "
     "split -n 4 r part; cat part?? | sort -n | sha256sum; seq 20000 | sha256sum; rm r part??",
     "f6351f5ead9a700e34275480b3856ea738122a7c57bdeb744a631251c069587a  -\n" * 2),
    ("coreutils: timeout kills", "timeout 0.2 sleep 100; echo $?", "124\n"),
    ("find, xargs, grep", "find /etc -type f -print0 | xargs -0 grep -l '^root:' | sort",
     "/etc/group\n/etc/passwd\n"),
    ("gzip and xz there and back", "seq 50000 | gzip | zcat | xz -T2 | xz -d | cmp - <(seq 50000); echo $?",
     "0\n"),
    ("perl: fork, pipe, regular expressions", "perl /perl.pl", "child 6\nreaped 3\nfox quick\n"),
    ("lua", "lua5.4 -e 'local t={} for i=1,1e5 do t[i]=i*i end print(#t, t[1000])'",
     "100000\t1000000\n"),
    ("sqlite3: a write-ahead log", "cd /tmp; sqlite3 t.db 'pragma journal_mode=wal; create table t(a);"
     "insert into t select value from generate_series(1,1000);'; sqlite3 t.db 'select sum(a) from t;"
     "pragma integrity_check'; rm -f t.db*", "wal\n500500\nok\n"),
    ("tcc: compiles, links, runs", "tcc -o /tmp/answer /answer.c && /tmp/answer 6 7; echo $?",
     "42\n7\n"),
    ("python3: threads, processes, mappings, files", "python3.11 /python.py",
     "[0, 1, 4, 9, 16, 25, 36, 49]\nb'hi\\n'\nb'abcd'\n7\n100000\n[5, 4, 3, 2, 1, 0, 1, 2, 3, 4]\n"
     "{'a': [1, 2.5, None]}\nKeyboardInterrupt\n"),
)


def main():
    arch = sys.argv[1]
    report = reports.Report()
    arguments = [word for package in PACKAGES for word in ("--debian", package)]
    for name in SCRIPTS:
        arguments += ["--add", os.path.join(HERE, name) + "=/" + name]
    script = "[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd\n"  # udev's part on Linux
    script += "\n".join(f"echo '{MARK}{name}'\n{{ {command}; }} </dev/null 2>&1"
                       for name, command, _ in ROWS)
    result = reports.run(arch, *arguments, "--mem", MEMORY, "--exec", "exec bash",
                         stdin=script.encode(), limit_s=400)
    printed = {}
    for part in result.out.decode(errors="replace").split(MARK)[1:]:
        name, _, text = part.partition("\n")
        printed[name] = text
    for name, _, expected in ROWS:
        report.check(name, printed.get(name) == expected,
                     f"expected: {expected!r}\nprinted: {printed.get(name)!r}\n"
                     f"status {result.status}: {result.err[-300:].decode(errors='replace')}",
                     f"python3 tests/programs/run.py {arch}")
    return report.status()


sys.exit(main())
