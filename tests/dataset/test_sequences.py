"""After any sequence of changes and refreshes, the table and its history equal the truth.

The truth: a refresh takes the rows of its window from the API, and leaves the others as they were.
"""

import tempfile
from datetime import UTC, date, datetime, timedelta

from changing import Changing
from hypothesis import given, settings
from hypothesis import strategies as st

import socialframe as sf

DAYS = [date(2026, 10, 22) + timedelta(days=n) for n in range(30)]
POST = st.integers(0, 400)

changes = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(DAYS), st.integers(0, 10**9)),
    st.tuples(st.just("edit"), POST, st.integers(0, 10**9)),
    st.tuples(st.just("move"), POST, st.sampled_from(DAYS)),
    st.tuples(st.just("delete"), POST, st.none()),
)
steps = st.one_of(
    changes, changes, changes, st.tuples(st.just("refresh"), st.booleans(), st.integers(1, 10**6))
)


def apply(world, step, number):
    """Change the world."""
    what, which, value = step
    if what == "add":
        world.add(f"new'{number}", f"{which}T12:00:00Z", content=str(value))
        return
    posts = world.posts()
    post = posts[which % len(posts)]
    if what == "edit":
        world.edit(post["id"], content=str(value))
    elif what == "move":
        world.edit(post["id"], createdAt=f"{value}T13:00:00Z")
    else:
        world.delete(post["id"])


def shown(frame):
    """Return the rows of a dataset: id to moment and content."""
    values = zip(frame["id"], frame["created_at"], frame["content"], strict=True)
    return {name: (moment.isoformat()[:19], str(content)) for name, moment, content in values}


def truth(world):
    """Return the rows of the API."""
    return {
        post["id"]: (post["createdAt"][:19], str(post["content"] or "nan"))
        for post in world.posts()
        if post["createdAt"][:10] >= "2026-10-22"
    }


@settings(max_examples=settings.default.max_examples // 5)  # 8; in scripts/stress 300
@given(
    st.lists(steps, min_size=4, max_size=24), st.sampled_from([1, 5, 14]), st.sampled_from([0, 1])
)
def test_the_table_and_its_history_equal_the_truth(sequence, restate, keeps):
    """Whatever was added, edited, moved and deleted between refreshes."""
    world = Changing()
    with tempfile.TemporaryDirectory() as folder:
        query = world.api.posts(since="2026-10-22")
        deletes = "keep" if keeps else "remove"
        dataset = sf.Dataset(
            f"{folder}/posts", query, restate=timedelta(days=restate), deletes=deletes
        )
        dataset.refresh()
        model, log = truth(world), []
        for number, step in enumerate([*sequence, ("refresh", False, 5)]):
            if step[0] != "refresh":
                apply(world, step, number)
                continue
            log.append((datetime.fromtimestamp(world.now, UTC), dict(model)))
            world.now += step[2]
            last = datetime.fromtimestamp(world.now - step[2], UTC).date()
            newest = min(max(date.fromisoformat(moment[:10]) for moment, _ in model.values()), last)
            start = (newest - timedelta(days=restate)).isoformat()
            whole = step[1] or start <= "2026-10-22"
            now = {k: v for k, v in truth(world).items() if whole or v[0] >= start}
            kept = {k: v for k, v in model.items() if keeps or (not whole and v[0] < start)}
            before, model = model, {**kept, **now}
            refresh = sf.open_dataset(f"{folder}/posts", client=world.api).refresh(full=step[1])
            assert refresh.inserted == len(model.keys() - before.keys())
            assert refresh.deleted == len(before.keys() - model.keys())
            assert refresh.updated == sum(model[k] != before[k] for k in model.keys() & before)

        frame = dataset.frame()
        assert frame["id"].is_unique
        assert shown(frame) == model
        for moment, rows in log:
            assert shown(dataset.as_of(moment)) == rows
