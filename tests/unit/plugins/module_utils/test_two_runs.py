"""A model of all interleavings of two runs that replace or recover one runtime with one script, killed anywhere."""

from __future__ import annotations

from collections import namedtuple

import pytest

OLD = "old"
# What the server holds: the runtimes, those with the final name, and the runtime of the script. `open`: the runs
# between the reads just before a write and that write. `raced`: another run wrote something during that.
World = namedtuple("World", "runtimes named script open raced")
START = World(frozenset({OLD}), frozenset({OLD}), OLD, frozenset(), False)
# A run: its kind, its own new runtime, what it does next, and whether it is undoing what it did.
Run = namedtuple("Run", "kind own at is_undo", defaults=[False])
END = "end"


def pair(run):
    """The runtime that goes, and the one that stays and takes its scripts."""
    return (run.own, OLD) if run.is_undo else (OLD, run.own)


def failed(world, run):
    """Before the commit, a failure is undone; an undo that fails leaves everything."""
    return world, run._replace(at=END if run.is_undo else "undo", is_undo=True)


def opened(world, run):
    """The world while a run has read what its next write rests on."""
    return world._replace(open=world.open | {run.own + run.kind})


def closed(world, run):
    return world._replace(open=world.open - {run.own + run.kind})


def changed(world, run, **fields):
    """The world after a write."""
    return world._replace(raced=world.raced or bool(world.open - {run.own + run.kind}), **fields)


def step(world, run):  # noqa: C901 one table of states, each with what it reads and writes
    """The world and the run after one request."""
    going, staying = pair(run)
    others = world.runtimes - {OLD, run.own}
    if run.at == "list":  # of a replacement: refused if there is an unfinished one, or nothing to do
        is_free = OLD in world.runtimes and not others - world.named
        return world, run._replace(at="create" if is_free else END)
    if run.at == "recover":  # the unfinished runtime of the other run is undone, or finished if the old one is gone
        if run.own not in world.runtimes - world.named:
            return world, run._replace(at=END)
        is_undo = OLD in world.runtimes
        return world, run._replace(at="undo" if is_undo else "follow", is_undo=is_undo)
    if run.at == "create":
        return changed(world, run, runtimes=world.runtimes | {run.own}), run._replace(at="look up")
    if run.at == "undo":
        return (world, run._replace(at="look up")) if OLD in world.runtimes else (world, run._replace(at=END))
    if run.at == "look up":
        return world, run._replace(at="read the script" if world.script == going else "list again")
    if run.at == "read the script":
        return (world, run._replace(at="read its target")) if world.script == going else failed(world, run)
    if run.at == "read its target":
        return (opened(world, run), run._replace(at="move")) if staying in world.runtimes else failed(world, run)
    if run.at == "move":
        return changed(closed(world, run), run, script=staying), run._replace(at="list again")
    if run.at == "list again":
        is_alone = run.is_undo or not (others or world.named - {OLD})
        return (world, run._replace(at="look up again")) if is_alone else failed(world, run)
    if run.at == "look up again":
        return (opened(world, run), run._replace(at="read what goes")) if world.script != going else failed(world, run)
    if run.at == "read what goes":
        is_same = going in world.runtimes and (going == OLD or going not in world.named)
        return (
            (world, run._replace(at="read what stays")) if is_same else (closed(world, run), run._replace(at="follow"))
        )
    if run.at == "read what stays":
        return (world, run._replace(at="delete")) if staying in world.runtimes else failed(closed(world, run), run)
    if run.at == "delete":
        world = closed(world, run)
        left = {"runtimes": world.runtimes - {going}, "named": world.named - {going}}
        return changed(world, run, **left), run._replace(at="follow")
    if run.at == "follow":
        return world, run._replace(at="read the follower" if world.script == going else "name")
    if run.at == "read the follower":
        return world, run._replace(at="read its new target" if world.script == going else "name")
    if run.at == "read its new target":
        is_there = staying in world.runtimes
        return opened(world, run) if is_there else world, run._replace(at="move the follower" if is_there else END)
    if run.at == "move the follower":
        return changed(closed(world, run), run, script=staying), run._replace(at="name")
    assert run.at == "name"
    if run.is_undo or run.own not in world.runtimes or world.named:
        return world, run._replace(at=END)
    return changed(world, run, named=world.named | {run.own}), run._replace(at=END)


def explored(*runs, kills=True):
    """Every final state of these runs, and how many states there are in all."""
    seen, final, left = set(), set(), [(START, runs)]
    while left:
        state = left.pop()
        if state in seen:
            continue
        seen.add(state)
        world, now = state
        alive = [index for index, run in enumerate(now) if run.at != END]
        if not alive:
            final.add(state)
        for index in alive:
            after, run = step(world, now[index])
            left.append((after, (*now[:index], run, *now[index + 1 :])))
            if kills:
                dead = now[index]._replace(at=END)
                left.append((closed(world, dead), (*now[:index], dead, *now[index + 1 :])))
    return final, len(seen)


FIRST, SECOND = Run("replace", "new 1", "list"), Run("replace", "new 2", "list")
RECOVERY = Run("recover", "new 1", "recover", True)


def is_lost(world):
    return world.script not in world.runtimes


def test_one_run_replaces():
    final, _number = explored(FIRST, kills=False)
    assert [(world.runtimes, world.named, world.script) for world, _runs in final] == [({"new 1"}, {"new 1"}, "new 1")]


@pytest.mark.parametrize("other", [SECOND, RECOVERY])
def test_no_script_is_left_on_a_runtime_that_is_gone(other):
    """But for what another run writes between the reads of a run just before its write, and that write."""
    final, number = explored(FIRST, other)
    assert number > 500
    assert any(not is_lost(world) and run.at == END for world, runs in final for run in runs)
    assert [world for world, _runs in final if is_lost(world) and not world.raced] == []


@pytest.mark.parametrize(("left_out", "then"), [("look up again", "read what goes"), ("read its target", "move")])
def test_model_finds_what_is_missing(monkeypatch, left_out, then):
    """Without a look-up of scripts before the commit, or a read of their new runtime, they are lost without a race."""
    real = step
    hasty = {left_out: lambda world, run: (world, run._replace(at=then))}
    monkeypatch.setitem(globals(), "step", lambda world, run: hasty.get(run.at, real)(world, run))
    assert any(is_lost(world) and not world.raced for world, _runs in explored(FIRST, RECOVERY)[0])
