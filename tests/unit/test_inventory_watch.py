"""The inventory file while people and machines change it."""

from __future__ import annotations

import os
import shutil

import pytest

from services.errors import ConfigurationError
from services.inventory.watch import PATIENCE, READ_ANYWAY, InventoryWatch


class Told:
    """What a watch says, as words: the ids of an inventory, or the last detail of an error."""

    def __init__(self, path, environ=None):
        self.words = []
        self.refuse = None
        self.watch = InventoryWatch(path, self._changed, self._refused, environ or {})

    def _changed(self, inventory):
        if self.refuse is not None:
            raise self.refuse
        self.words.append(" ".join(vps.id for vps in inventory.vps))

    def _refused(self, error):
        self.words.append(f"refused: {error.details[-1]}")

    def looks(self, times=2):
        """What is said in some more looks; two are enough for a new content."""
        before = len(self.words)
        for _ in range(times):
            self.watch.look()
        return self.words[before:]


def text(*ids):
    return "vps:\n" + "".join(f"  - id: {id_}\n" for id_ in ids)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "inventory.yml"
    path.write_text(text("a"))
    return path


@pytest.fixture
def told(file):
    told = Told(file)
    assert [vps.id for vps in told.watch.first().vps] == ["a"]
    return told


def test_nothing_is_said_while_nothing_changes(told, file):
    assert told.looks(3 * READ_ANYWAY) == []
    os.utime(file, (1, 1))
    assert told.looks(5) == []


def test_a_new_content_is_told_once(told, file):
    file.write_text(text("a", "b"))
    assert told.looks(10) == ["a b"]


def test_a_wrong_one_is_told_once_and_so_is_the_way_back(told, file):
    file.write_text("vps: [{id: A B}]")
    (said,) = told.looks(10)
    assert said.startswith("refused: line 1: vps[0].id: 'A B' does not fit")
    file.write_text("vsp: []")
    (said,) = told.looks(10)
    assert said.startswith("refused: line 1: vsp: there is no such field")
    file.write_text(text("a"))
    assert told.looks(10) == ["a"]


def test_a_file_that_is_being_written_is_left_alone(told, file):
    whole = text("a", "b", "c")
    for size in range(5, len(whole), 7):
        file.write_text(whole[:size])
        assert told.looks(1) == []
    file.write_text(whole)
    assert told.looks(2) == ["a b c"]


def test_it_may_vanish_for_a_moment(told, file):
    file.unlink()
    assert told.looks(PATIENCE - 1) == []
    file.write_text(text("a"))
    assert told.looks(5) == []
    file.unlink()
    assert told.looks(PATIENCE - 1) == []
    file.write_text(text("b"))
    assert told.looks(5) == ["b"]


def test_one_that_stays_away_is_told_once_and_so_is_its_return(told, file):
    file.unlink()
    assert told.looks(10) == ["refused: cannot read it: No such file or directory"]
    file.write_text(text("a"))
    assert told.looks(5) == ["a"]


def test_one_that_becomes_a_folder(told, file):
    file.unlink()
    file.mkdir()
    assert told.looks(10) == ["refused: cannot read it: Is a directory"]


def test_a_rename_over_it(told, file, tmp_path):
    new = tmp_path / ".inventory.swp"
    new.write_text(text("b"))
    new.replace(file)
    assert told.looks(3) == ["b"]


def test_another_inode_with_the_same_size_and_time(told, file, tmp_path):
    new = tmp_path / "new"
    new.write_text(text("b"))
    shutil.copystat(file, new)
    new.replace(file)
    assert told.looks(3) == ["b"]


def test_a_change_that_leaves_size_and_time_is_found_in_the_end(told, file):
    before = file.stat()
    file.write_text(text("b"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert told.looks(READ_ANYWAY) == ["b"]


def test_a_config_map_is_swapped_by_its_links(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inventory.yml").write_text(text(f"from-{name}"))
    data, path = tmp_path / "..data", tmp_path / "inventory.yml"
    data.symlink_to("1")
    path.symlink_to("..data/inventory.yml")
    told = Told(path)
    assert told.watch.first().vps[0].id == "from-1"
    (tmp_path / "..tmp").symlink_to("2")
    (tmp_path / "..tmp").replace(data)
    shutil.rmtree(tmp_path / "1")
    assert told.looks(5) == ["from-2"]


def test_what_cannot_be_put_in_force_is_refused_once(told, file):
    told.refuse = ConfigurationError("No", ["it names what is not there"])
    file.write_text(text("b"))
    assert told.looks(10) == ["refused: it names what is not there"]


def test_what_failed_for_another_reason_is_tried_again(told, file):
    told.refuse = OSError("the database is away")
    file.write_text(text("b"))
    with pytest.raises(OSError, match="away"):
        told.looks(2)
    told.refuse = None
    assert told.looks(2) == ["b"]


def test_a_change_between_start_and_the_first_look(told, file):
    file.write_text(text("b"))
    assert told.looks(2) == ["b"]


def test_without_a_start_the_first_content_is_news(file):
    assert Told(file).looks(5) == ["a"]


def test_a_wrong_file_stops_the_start(file):
    file.write_text("vsp: []")
    with pytest.raises(ConfigurationError, match="did you mean 'vps'"):
        Told(file).watch.first()
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot read it: No such file"):
        Told(file).watch.first()


def test_variables_are_those_of_the_start(file):
    file.write_text("vps: [{id: '${WHO}'}]")
    told = Told(file, {"WHO": "me"})
    assert told.watch.first().vps[0].id == "me"


def test_a_pipe_is_read_once_and_never_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert Told(pipe).looks(5) == []
