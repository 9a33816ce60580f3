"""Answers files: what is read, what is refused and with which sentence, through the command line."""

import warnings

import pytest
from copier import run_copy

from generator.answers import find, load, of_project, resolve, variants
from generator.errors import GroundplanError
from generator.paths import ROOT
from tests.support import assert_refused, groundplan


def write(folder, text):
    path = folder / "answers.yml"
    path.write_text(text)
    return path


def test_answers_are_read_without_what_copier_keeps(tmp_path):
    path = write(tmp_path, "_commit: v1\n_src_path: somewhere\nproject_name: Contoso Vision\n")
    assert load(path) == {"project_name": "Contoso Vision"}


def test_an_empty_file_takes_every_default(tmp_path):
    assert load(write(tmp_path, "# nothing yet\n")) == {}


BAD_FILES = [
    ("a: [1", "is not YAML"),
    ("- a\n- b\n", "is not a list of answers"),
    ("projct_name: x\n", "did you mean project_name?"),
    ("zzz: 1\n", "zzz is no question"),
    ("private: true\n", "private is computed"),
    ("workload: Has-Dash\n", "workload: Write 2 to 10"),
    ("location: atlantis\n", "location: 'atlantis' is not in"),
    ("functions: eda\n", "functions: write a list"),
    ("eda_seats: many\n", "eda_seats: write a whole number"),
    ("eda_seats: true\n", "eda_seats: write a whole number"),
    ("training_gpu: perhaps\n", "training_gpu: write true or false"),
    ("project_name: 7\n", "project_name: write a text"),
    ("functions: [training]\neda_seats: 3\n", "eda_seats is not asked here (functions is training)"),
    ("existing_databricks_id: x\n", "existing_databricks_id"),
    ("profile: regulated\nprompt_logging: full\n", "prompt_logging: Choose metadata or none"),
    ("environments: [dev, dev]\n", "environments: Name each environment once"),
    ("functions: []\n", "functions: Choose at least one function"),
    ("vnet_address_prefix: 172.17.0.0/20\n", "vnet_address_prefix: 172.17.0.0/20 overlaps"),
    ("criticality: high\ngateway_tier: standard_v2\n", "gateway_tier: Standard v2 stays in one region"),
    ("criticality: high\nsecondary_location: eastus2\n", "outside the residency boundary"),
]


@pytest.mark.parametrize("command", ["render", "new"])
@pytest.mark.parametrize(("text", "says"), BAD_FILES, ids=[row[0].replace("\n", ";") for row in BAD_FILES])
def test_bad_files_are_refused_with_one_sentence(tmp_path, command, text, says):
    path = write(tmp_path, text)
    out = tmp_path / "out"
    if command == "new":
        run = groundplan("new", out, "--answers", path)
        assert_refused(run, says)
        assert not out.exists()
    else:
        run = groundplan("render", path, "--out", out)
        assert run.returncode != 0 and says in run.stderr and "Traceback" not in run.stderr
        assert not (out / "answers").exists()


def test_missing_file_and_unknown_variant():
    assert_refused(groundplan("render", "nowhere/answers.yml"), "There is no answers file nowhere/answers.yml")
    assert_refused(groundplan("render", "nonsense"), "choose one of")
    with pytest.raises(GroundplanError, match="There is no variant"):
        find("nonsense")


def test_a_folder_that_is_no_project(tmp_path):
    with pytest.raises(GroundplanError, match="is no generated project"):
        of_project(tmp_path)
    with pytest.raises(GroundplanError, match="There is no folder"):
        of_project(tmp_path / "nowhere")


def test_resolve_completes_and_tells_what_is_stored():
    answers = resolve({"criticality": "high", "project_name": "Contoso Vision"})
    assert answers["two_regions"] is True and answers["secondary_location"] == "germanywestcentral"
    assert {"criticality", "detail", "project_name", "functions"} <= answers["_stored"]
    assert "two_regions" not in answers["_stored"]


@pytest.mark.parametrize("variant", variants(), ids=lambda variant: variant.name)
def test_resolve_says_what_copier_says(variant, tmp_path):
    data = load(variant.path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        worker = run_copy(
            str(ROOT), tmp_path / "out", data=data, defaults=True, quiet=True, pretend=True, vcs_ref="HEAD"
        )
    ours = resolve(data)
    keys = set(ours) - {"_stored"}
    assert {key: worker.answers.combined[key] for key in keys} == {key: ours[key] for key in keys}
    assert ours["_stored"] == {key for key in worker._answers_to_remember() if not key.startswith("_")}
    assert not (tmp_path / "out").exists()


def test_variants_have_names_and_descriptions():
    found = variants()
    assert len({variant.name for variant in found}) == len(found) >= 8
    assert all(len(variant.description) > 20 for variant in found)
