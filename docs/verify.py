#!/usr/bin/env python3
"""Checks an export of Berth, and says in plain words what it proves.

    verify.py EXPORT [--key BASE64] [--held FILE]... [--consistency FILE]...

EXPORT is a file of lines of JSON, as `berthctl export` makes it, or `berth export` of a whole deployment; `-` is the standard
input. --key is the first public key of the deployment, as somebody noted it down when it was set up. --held is a checkpoint
that somebody kept: an answer of `GET /v1/checkpoints`, or one signed note. --consistency is an answer of
`GET /v1/checkpoints/{s}/consistency`, which connects a held checkpoint with a later one; a whole deployment needs none.

It ends with 0 if everything holds, 1 if something does not, 2 if it cannot tell. It is written from docs/audit.md alone, needs
nothing but Python 3.8, and shares no code with Berth.
"""

import argparse
import base64
import hashlib
import json
import sys

FORMATS = {1: "histories with proofs", 2: "a whole deployment"}
KINDS = ["instance", "account", "directory", "delivery"]


class Bad(Exception):
    """Something does not hold; the text is for people."""


class Unknown(Exception):
    """Nothing can be said."""


# --- ed25519, RFC 8032 -----------------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def plus(one, two):
    """The sum of two points in extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(factor, point):
    result = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = plus(result, point)
        point = plus(point, point)
        factor >>= 1
    return result


def point_of(data):
    """The point that 32 bytes stand for; none if they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key, text, signature):
    point, r = point_of(key), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None or len(signature) != 64 or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % ORDER
    one, two = times(s, BASE), plus(r, times(h, point))
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 and (one[1] * two[2] - two[1] * one[2]) % P == 0


# --- notes, keys and checkpoints -------------------------------------------------------------------------------------


def in_base64(text, what, length=None):
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise Bad(f"{what} is no base64") from None
    if length is not None and len(data) != length:
        raise Bad(f"{what} has {len(data)} bytes instead of {length}")
    return data


def signers_of(note, name, keys):
    """The text of a note, and which of the keys have signed it under a name."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Bad("a signed note is malformed")
    text += "\n"
    signers = set()
    for line in lines[:-1].split("\n"):
        words = line.split(" ")
        if len(words) != 3 or words[0] != "\u2014":
            raise Bad("a signed note is malformed")
        if words[1] != name:
            continue
        data = in_base64(words[2], "a signature")
        for key in keys:
            key_id = hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]
            if data[:4] == key_id:
                if not is_signed(key, text.encode(), data[4:]):
                    raise Bad(f"a signature of {name} is wrong: what it signs was changed")
                signers.add(key)
    return text, signers


def read_keys(deployment, notes):
    """The keys of a deployment, each announced by the one before it."""
    origin, keys = f"berth/{deployment}/keys", []
    for number, note in enumerate(notes, 1):
        lines = note.split("\n")
        if lines[0] != origin:
            raise Bad(f"the announcement of key {number} is of {lines[0]}, not of {origin}: it is of another deployment")
        if lines[1:2] != [str(number)]:
            raise Bad(f"the announcement of key {number} has another number")
        key = in_base64(lines[2], f"key {number}", 32)
        wanted = keys[-1:] + [key]
        text, signers = signers_of(note, origin, wanted)
        if text != "\n".join(lines[:3]) + "\n" or signers != set(wanted):
            raise Bad(f"key {number} is not announced by itself and the key before it: somebody else put it there")
        keys.append(key)
    return keys


class Checkpoint:
    """What is signed of a shard."""

    def __init__(self, note, deployment, keys, unsigned=False):
        lines = note.split("\n")
        if len(lines) < 3:
            raise Bad("a checkpoint is malformed")
        self.origin = lines[0]
        words = self.origin.split("/")
        if len(words) not in (3, 4) or words[:2] != ["berth", deployment]:
            raise Bad(f"a checkpoint is of {self.origin}, and not of the deployment {deployment}")
        if not unsigned:
            text, signers = signers_of(note, self.origin, keys)
            if not signers:
                raise Bad(f"a checkpoint of {self.origin} is not signed by a key of the deployment")
            lines = text.split("\n")[:-1]
        if not words[2].isdigit() or not lines[1].isdigit():
            raise Bad("a checkpoint is malformed")
        self.shard, self.size, self.life = int(words[2]), int(lines[1]), int(words[3]) if words[3:] else 1
        self.root = in_base64(lines[2], "a root", 32)
        self.followed = [line[8:] for line in lines[3:] if line.startswith("follows ")]
        self.follows = ", ".join(self.followed)


# --- trees, RFC 6962 -------------------------------------------------------------------------------------------------


def leaf_of(subject, data):
    return hashlib.sha256(b"\0" + subject.encode() + b"\n" + data).digest()


def node_of(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Growing:
    """The root of a tree that leaves are added to: the roots of its largest complete subtrees."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        for place in range(64):
            if not self.size >> place & 1:
                break
            leaf = node_of(self.peaks.pop(), leaf)
        self.peaks.append(leaf)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            root = node_of(left, root)
        return root


def root_of_path(leaf, index, size, path):
    """The root to which a path leads; none if it has another length than it must have."""
    node, place, last = leaf, index, size - 1
    for other in path:
        if last == 0:
            return None
        if place % 2 or place == last:
            node = node_of(other, node)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            node = node_of(node, other)
        place, last = place // 2, last // 2
    return node if last == 0 else None


def is_consistent(first, first_root, second, second_root, path):
    """RFC 9162, section 2.1.4.2."""
    if first == second:
        return not path and first_root == second_root
    if not 0 < first < second:
        return False
    if first & (first - 1) == 0:
        path = [first_root] + path
    if not path:
        return False
    place, last = first - 1, second - 1
    while place % 2:
        place, last = place // 2, last // 2
    one = two = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            one, two = node_of(other, one), node_of(other, two)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            two = node_of(two, other)
        place, last = place // 2, last // 2
    return one == first_root and two == second_root and last == 0


# --- commits ---------------------------------------------------------------------------------------------------------


def subject_of(kind, identity):
    """The subject of a stream, and its partition."""
    text = base64.b32encode(identity).decode().rstrip("=")
    text = text.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdefghijklmnopqrstuv"))
    partition = identity[15] % 64 if kind == 3 else hashlib.sha256(identity).digest()[0] >> 2
    return f"berth.v1.log.{KINDS[kind]}.{partition}.{text}", partition


def number_at(data, at):
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


class Commit:
    """The part of a commit that chains it to the one before."""

    def __init__(self, data):
        if len(data) < 10 or data[:2] != b"\xbe\x27" or data[2] not in (1, 2):
            raise Bad("it does not begin as a commit does")
        kind, version, length = int.from_bytes(data[3:5], "big"), data[5], int.from_bytes(data[6:10], "big")
        payload = data[10:]
        if data[2] == 2:
            payload, checksum = data[10:-16], data[-16:]
            if hashlib.sha256(data[:-16]).digest()[:16] != checksum:
                raise Bad("its checksum is wrong: its bytes were changed")
        if kind != 1000 or version not in (1, 2) or (version == 2) != (data[2] == 2):
            raise Bad("it is no commit that this file knows")
        if len(payload) != length:
            raise Bad("it has another length than it states")
        try:
            kind, at = number_at(payload, 0)
            identity, at = payload[at : at + 16], at + 16
            self.version, at = number_at(payload, at)
            self.previous, at = payload[at : at + 32], at + 32
            moment, at = number_at(payload, at)
            self.subject, self.partition = subject_of(kind, identity)
        except (IndexError, ValueError):
            raise Bad("it cannot be read") from None
        self.moment = moment >> 1 if moment % 2 == 0 else -(moment >> 1) - 1


def hash_of(domain, *parts):
    hasher = hashlib.sha256()
    for part in (domain, *parts):
        hasher.update(len(part).to_bytes(8, "big") + part)
    return hasher.digest()


class Stream:
    """How far a stream was read."""

    def __init__(self, subject):
        self.subject = subject
        self.version, self.moment, self.index = 0, None, -1
        self.hash = hash_of(b"berth.v1.genesis", subject.encode())

    def add(self, commit, index, data):
        if commit.version != self.version + 1:
            raise Bad(f"version {commit.version} stands where version {self.version + 1} is expected")
        if commit.previous != self.hash:
            raise Bad("it does not follow the commit before it: one of the two was changed")
        if self.moment is not None and commit.moment < self.moment:
            raise Bad("it was decided before the commit before it")
        if index <= self.index:
            raise Bad("it was appended before the commit before it")
        self.version, self.moment, self.index = commit.version, commit.moment, index
        self.hash = hash_of(b"berth.v1.commit", self.subject.encode(), commit.previous, data)


# --- exports ---------------------------------------------------------------------------------------------------------


def begun(line, held):
    """What begins with this line; `held` are notes that somebody kept."""
    if line.get("kind") != "export":
        raise Unknown("this is no export of Berth: its first line does not say so")
    if line.get("version") not in FORMATS:
        raise Unknown(f"this export has version {line.get('version')}, and this file knows the versions {sorted(FORMATS)}: get a newer one")
    return Export(line) if line["version"] == 1 else Whole(line, held)


class Read:
    """What is read of an export, whatever kind it is of."""

    def __init__(self, line):
        self.problems, self.facts = [], []
        self.ended = False
        self.commits = 0
        self.notes, self.keys, self.checkpoints, self.streams = [], [], {}, {}
        self.deployment, self.shards = line["deployment"], line["shards"]

    def bad(self, text):
        self.problems.append(text)

    def add(self, line):
        kind = line.get("kind")
        if self.ended:
            self.bad("something stands behind the last line: two exports were joined, or somebody added to this one")
        elif kind == "checkpoint":
            try:
                self.add_checkpoint(line)
            except Bad as error:
                self.bad(str(error))
        elif kind == "commit":
            self.commits += 1
            try:
                self.add_commit(line)
            except Bad as error:
                self.bad(f"commit {line['index']} of shard {line['shard']} ({line['subject']}): {error}")
        elif kind == "end":
            self.ended = True
            self.add_end(line)
        else:
            self.add_other(kind, line)

    def add_other(self, kind, line):
        """Not every kind of export has lines of the same kinds."""
        raise Unknown(f"a line is a {kind!r}, which this file does not know: get a newer one")

    def announced(self, notes):
        try:
            self.notes, self.keys = notes, read_keys(self.deployment, notes)
        except Bad as error:
            self.bad(str(error))

    def compare(self, held, proofs):
        """What was kept by somebody with what is signed here."""
        now = self.checkpoints.get(held.shard)
        what = f"the checkpoint that you hold of {held.origin}, with {held.size} commits,"
        if any(line == f"{held.origin} {held.size} {base64.b64encode(held.root).decode()}" for known in self.checkpoints.values() for line in known.followed):
            return self.facts.append(f"{what} is of the log that this one says it follows; an export of that one proves what was in it.")
        if now is None:
            return self.facts.append(f"NOT COMPARED: {what} is of a shard that this export has nothing of.")
        if now.origin != held.origin:
            return self.bad(f"{what} is of another life of the log: now it is {now.origin}, which follows {now.follows or 'nothing'}")
        if held.size > now.size:
            return self.bad(f"{what} is newer than this export, whose checkpoint has {now.size}: an old state is offered as a new one, or the log was cut")
        if held.size == now.size:
            if held.root != now.root:
                return self.bad(f"FORK: {what} and the one in this export are signed by the same deployment and contradict each other")
            return self.facts.append(f"{what} is the one of this export.")
        return self.compare_earlier(what, held, now, proofs)


class Whole(Read):
    """A whole deployment, as `berth export` writes it: every commit, so that every root can be computed."""

    def __init__(self, line, held):
        super().__init__(line)
        self.ends, self.life = line["ends"], line["life"]
        self.trees = [Growing() for _ in range(self.shards)]
        self.roots = {tuple(note.split("\n")[:2]): None for note in held}
        self.digest, self.last_notes, self.others = bytes(32), {}, 0

    def add_other(self, kind, line):
        if kind == "announcement":
            self.announced(self.notes + [line["note"]])
        elif kind in ("key", "device"):
            self.others += 1
        elif kind not in ("root", "life"):
            super().add_other(kind, line)

    def add_checkpoint(self, line):
        """Signatures are looked at once all is read: of the last one, whose tree has all the others in it."""
        checkpoint = Checkpoint(line["note"], self.deployment, [], unsigned=True)
        if checkpoint.life != self.life:
            return
        shard, tree = checkpoint.shard, self.trees[checkpoint.shard]
        if shard != line["shard"] or checkpoint.size != tree.size:
            raise Bad(f"the checkpoint of {checkpoint.origin} over {checkpoint.size} commits stands in another place")
        if checkpoint.root != tree.root():
            raise Bad(f"the first {checkpoint.size} commits of shard {shard} are not those that were signed: one of them was changed")
        self.last_notes[shard] = line["note"]

    def add_commit(self, line):
        subject, index, shard = line["subject"], line["index"], line["shard"]
        data, tree = in_base64(line["bytes"], "it"), self.trees[line["shard"]]
        if index != tree.size:
            raise Bad(f"commit {tree.size} is expected here: lines are missing, or in another order")
        tree.add(leaf_of(subject, data))
        place = (f"berth/{self.deployment}/{shard}" + (f"/{self.life}" if self.life > 1 else ""), str(tree.size))
        if place in self.roots:
            self.roots[place] = tree.root()
        commit = Commit(data)
        if commit.subject != subject or commit.partition % self.shards != shard:
            raise Bad(f"its bytes are of {commit.subject}: it was put into the place of another")
        # Here streams of all kinds stand side by side: each is chained, and none counts as an instance but its own kind.
        self.streams.setdefault(subject, Stream(subject)).add(commit, index, data)

    def add_end(self, line):
        if [tree.size for tree in self.trees] != self.ends or line["commits"] != self.commits or line["keys"] + line["devices"] != self.others:
            self.bad("the last line counts other lines than there are: lines are missing or were added")
        if line["digest"] != self.digest.hex():
            self.bad("the digest of all lines is another one: one of them was changed")

    def saw(self, text):
        """The digest goes over every line but the last."""
        if not self.ended:
            self.digest = hash_of(b"berth.v1.export", self.digest, text.rstrip("\n").encode())

    def end(self):
        if not self.ended:
            self.bad("the last line is missing: the export was cut off")
        for shard, note in self.last_notes.items():
            try:
                self.checkpoints[shard] = Checkpoint(note, self.deployment, self.keys)
            except Bad as error:
                self.bad(str(error))

    def compare_earlier(self, what, held, now, proofs):
        if self.roots.get((held.origin, str(held.size))) != held.root:
            return self.bad(f"FORK: {what} is not the beginning of what is signed now")
        self.facts.append(f"{what} is the beginning of what is signed now: nothing of it was changed or taken away since.")

    def told(self):
        instances = sum(".instance." in subject for subject in self.streams)
        unsigned = self.commits - sum(checkpoint.size for checkpoint in self.checkpoints.values())
        print(f"It holds. This is the whole deployment {self.deployment}, with {instances} instance(s).")
        print(f"- {self.commits} commits are as they were written, in their order: each is chained to the one before it, from the first.")
        print(f"- All but {unsigned} of them are in what was signed." if unsigned else "- All of them are in what was signed.")


class Export(Read):
    """The histories of instances, with a proof for each commit."""

    def __init__(self, line):
        super().__init__(line)
        self.instances = line["instances"]
        self.announced(line["keys"])

    def saw(self, text):
        """Each commit has a proof of its own."""

    def add_end(self, line):
        if line["commits"] != self.commits:
            self.bad(f"the last line counts {line['commits']} commits, and there are {self.commits}: lines are missing or were added")

    def add_checkpoint(self, line):
        """The checkpoint that the proofs behind it lead to."""
        checkpoint = Checkpoint(line["note"], self.deployment, self.keys)
        if checkpoint.shard != line["shard"] or checkpoint.shard >= self.shards:
            raise Bad(f"the checkpoint of {checkpoint.origin} stands in the place of another shard's")
        before = self.checkpoints.get(checkpoint.shard)
        if before is not None:
            path = [in_base64(text, "a proof", 32) for text in line.get("consistency") or []]
            same = before.origin == checkpoint.origin
            if not same or not is_consistent(before.size, before.root, checkpoint.size, checkpoint.root, path):
                raise Bad(f"two checkpoints of {checkpoint.origin} in this export are not connected: it was put together from several")
        self.checkpoints[checkpoint.shard] = checkpoint

    def add_commit(self, line):
        subject, index, shard = line["subject"], line["index"], line["shard"]
        data = in_base64(line["bytes"], "it")
        checkpoint = self.checkpoints.get(shard)
        if checkpoint is None:
            raise Bad("its shard has no checkpoint that holds")
        if index >= checkpoint.size:
            raise Bad("it is not in the tree of the checkpoint, which ends before it")
        path = [in_base64(text, "its proof", 32) for text in line["path"]]
        if root_of_path(leaf_of(subject, data), index, checkpoint.size, path) != checkpoint.root:
            raise Bad("it is not in the tree that was signed, or not at this place")
        commit = Commit(data)
        if commit.subject != subject:
            raise Bad(f"its bytes are of {commit.subject}: it was put into the place of another")
        if commit.partition % self.shards != shard:
            raise Bad("it does not belong into this shard")
        if subject.rsplit(".", 1)[1] not in self.instances:
            raise Bad("it is not of an instance that was exported")
        self.streams.setdefault(subject, Stream(subject)).add(commit, index, data)

    def end(self):
        if not self.ended:
            self.bad("the last line is missing: the export was cut off")
        there = {subject.rsplit(".", 1)[1] for subject in self.streams}
        for instance in self.instances:
            if instance not in there:
                self.bad(f"there is no commit of the instance {instance}, which was exported")

    def compare_earlier(self, what, held, now, proofs):
        for proof in proofs:
            if (proof.get("shard"), proof.get("from"), proof.get("to")) == (held.shard, held.size, now.size):
                path = [in_base64(text, "a proof", 32) for text in proof["path"]]
                if is_consistent(held.size, held.root, now.size, now.root, path):
                    return self.facts.append(f"{what} is the beginning of what is signed now: nothing of it was changed or taken away since.")
                return self.bad(f"FORK: {what} is not the beginning of what is signed now, by the proof that you gave")
        return self.facts.append(
            f"NOT COMPARED: {what} is older. GET /v1/checkpoints/{held.shard}/consistency?from={held.size}&to={now.size} proves that "
            "nothing was changed since; give it with --consistency."
        )

    def told(self):
        signed = sum(checkpoint.size for checkpoint in self.checkpoints.values())
        print(f"It holds. This is the history of {len(self.streams)} instance(s) of the deployment {self.deployment}.")
        print(f"- {self.commits} commits are as they were written: each is chained to the one before it, from the first.")
        print(f"- Each of them is among the {signed} commits that were signed, at its place.")
        print("- Whether an instance has later commits than these is not proved here.")


def held_notes(path):
    """The announcements and the notes of a file that somebody kept."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        kept = json.loads(text)
    except ValueError:
        return [], [text]
    return [key["announcement"] for key in kept.get("keys", [])], [entry["note"] for entry in kept.get("checkpoints", [])]


def check(options):
    export = None
    kept = [(path, *held_notes(path)) for path in options.held]
    lines = sys.stdin if options.export == "-" else open(options.export, encoding="utf-8", newline="\n")
    with lines:
        for place, text in enumerate(lines):
            try:
                line = json.loads(text)
                if not isinstance(line, dict) or not text.endswith("\n"):
                    raise ValueError
            except ValueError:
                if export is None:
                    raise Unknown("this is no export of Berth: its first line is no JSON") from None
                export.bad(f"line {place + 1} is cut off or no JSON")
                continue
            try:
                if export is None:
                    export = begun(line, [note for _, _, notes in kept for note in notes])
                else:
                    export.add(line)
                export.saw(text)
            except (KeyError, TypeError, AttributeError, IndexError) as error:
                if export is None:
                    raise Unknown(f"its first line lacks something, or has something else in its place ({error!r})") from None
                export.bad(f"line {place + 1} lacks something, or has something else in its place ({error!r})")
    if export is None:
        raise Unknown("this is no export of Berth")
    export.end()
    held = hold(export, options, kept)
    proofs = []
    for path in options.consistency:
        with open(path, encoding="utf-8") as file:
            proofs.append(json.load(file))
    for checkpoint in held:
        export.compare(checkpoint, proofs)
    return export


def hold(export, options, kept):
    """Opens what somebody kept, and compares the keys."""
    if options.key and (not export.keys or base64.b64encode(export.keys[0]).decode() != options.key):
        export.bad("the first key is not the one that you know: this is another deployment's, or somebody signed it with a key of their own")
    held = []
    for path, announcements, notes in kept:
        if announcements and announcements != export.notes[: len(announcements)]:
            export.bad(f"{path}: the keys that you hold are not the first ones of this export: another deployment, or another key")
        for note in notes:
            try:
                checkpoint = Checkpoint(note, export.deployment, export.keys)
            except Bad as error:
                export.bad(f"{path}: {error}")
                continue
            held.append(checkpoint)
    return held


def tell(export, options):
    if export.problems:
        print(f"IT DOES NOT HOLD. {len(export.problems)} problem(s):")
        for problem in export.problems[:50]:
            print(f"- {problem}")
        return 1
    export.told()
    for checkpoint in export.checkpoints.values():
        if checkpoint.follows:
            why = "the log was carried into another number of shards" if len(checkpoint.followed) > 1 else "commits were lost, and an operator accepted that"
            print(f"- Before {checkpoint.origin} began, {why}; what was signed last before is: {checkpoint.follows}.")
    for fact in export.facts:
        print(f"- {fact[0].upper()}{fact[1:]}")
    first = base64.b64encode(export.keys[0]).decode() if export.keys else "no key"
    if options.key:
        print("- It is signed under the key that you know.")
    else:
        print(f"- The first key is {first}. Nobody told me whether that is the right one: compare it with what you noted down (--key).")
    if not options.held:
        print("- You gave no checkpoint that somebody kept before (--held): whoever has the key could have written all of this anew.")
    print("- It does not prove that what was recorded is true, nor when it was signed.")
    return 0


def main():
    parser = argparse.ArgumentParser(description="Checks an export of Berth, and says in plain words what it proves.")
    parser.add_argument("export")
    parser.add_argument("--key")
    parser.add_argument("--held", action="append", default=[], metavar="FILE")
    parser.add_argument("--consistency", action="append", default=[], metavar="FILE")
    options = parser.parse_args()
    try:
        return tell(check(options), options)
    except (Unknown, OSError) as error:
        print(f"I cannot tell: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main())
