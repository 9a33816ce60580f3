"""What is asked before a deployment, with answers of the Azure CLI that were recorded."""

import json
import re
from pathlib import Path

import preflight
import pytest
from azure_cli import Failure

ANSWERS = Path(__file__).parent / "answers"
PROJECT = Path(__file__).parents[2]
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
ELSEWHERE = "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/shared"
LEARNING = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/swedencentral"
REST = "rest --method get --url"
COMMANDS = {
    f"{REST} /subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions": "permissions",
    f"{REST} {ELSEWHERE}/providers/Microsoft.Authorization/permissions": "permissions",
    "provider list": "providers",
    f"{REST} {LEARNING}/vmSizes": "learning-sizes",
    f"{REST} {LEARNING}/usages": "learning-usages",
    "vm list-skus": "machine-sizes",
    "vm list-usage": "machine-usage",
    "aks list": "clusters",
    "cognitiveservices model list": "models",
    "cognitiveservices usage list": "model-usages",
    "cognitiveservices account list": "accounts",
    "cognitiveservices account deployment list": "account-deployments",
}
TEMPLATE = {
    "resources": {
        "group": {"type": "Microsoft.Resources/resourceGroups", "location": "here"},
        "shared": {"existing": True, "type": "Microsoft.Databricks/workspaces"},
        "training": {
            "type": "Microsoft.Resources/deployments",
            "properties": {
                "template": {
                    "resources": [
                        {"type": "Microsoft.MachineLearningServices/workspaces", "location": "here"},
                        {"type": "Microsoft.MachineLearningServices/workspaces/computes", "location": "here"},
                        {"type": "Microsoft.Insights/actionGroups", "location": "global"},
                        {"type": "Microsoft.Authorization/roleAssignments", "properties": "[variables('role')]"},
                    ]
                }
            },
        },
    }
}
SETTINGS = {
    "machines": [
        {"use": "explore", "quota": preflight.MACHINE_LEARNING, "parameter": "seatSize", "each": "seats"},
        {"use": "images", "quota": preflight.MACHINE_LEARNING, "parameter": "imageBuildSize", "count": {"test": 1}},
        {"use": "train", "quota": preflight.MACHINE_LEARNING, "pools": "clusters"},
        {
            "use": "answer",
            "quota": preflight.MACHINE_LEARNING,
            "file": "deployment.yml",
            "size": "Standard_D4as_v4",
            "count": 8,
            "environments": ["test"],
        },
        {"use": "nodes", "quota": preflight.COMPUTE, "pools": "nodePools"},
        {"use": "never", "quota": preflight.COMPUTE, "size": "Standard_X1", "count": 9, "environments": ["prod"]},
    ],
    "elsewhere": [
        {"parameter": "existingLogAnalyticsId", "actions": ["Microsoft.Authorization/roleAssignments/write"]}
    ],
}


def recorded(name):
    return json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))


def parameters():
    return {
        "workload": "demo",
        "location": "swedencentral",
        "existingLogAnalyticsId": f"{ELSEWHERE}/providers/Microsoft.OperationalInsights/workspaces/log",
        "seats": [{"name": "ci-1"}, {"name": "ci-2"}],
        "seatSize": "Standard_D4ds_v4",
        "imageBuildSize": "Standard_D4ds_v4",
        "clusters": [{"name": "training-cluster", "vmSize": "Standard_D8ds_v4", "maxNodes": 3}],
        "nodePools": {
            "system": {"vmSize": "Standard_D4ds_v5", "minNodes": 3, "maxNodes": 5},
            "models": {"vmSize": "Standard_NC24ads_A100_v4", "minNodes": 1, "maxNodes": 3},
        },
        "foundationAccounts": [
            {
                "name": "primary",
                "location": "swedencentral",
                "deployments": [
                    model("gpt-5.4", "2026-03-05", "DataZoneStandard", 200),
                    model("gpt-5.4", "2026-03-05", "GlobalProvisionedManaged", 50),
                    model("text-embedding-3-large", "1", "DataZoneStandard", 200),
                ],
            }
        ],
    }


def model(name, version, sku, capacity):
    return {"name": name, "model": name, "version": version, "sku": sku, "capacity": capacity}


@pytest.fixture
def platform(azure, monkeypatch):
    azure.answers = {command: recorded(name) for command, name in COMMANDS.items()}
    azure.answers["account show"] = {"id": SUBSCRIPTION}

    def ask(*arguments):
        answer = azure(*arguments)
        if isinstance(answer, Failure):
            raise answer
        return answer

    monkeypatch.setattr(preflight, "az", ask)
    return azure


@pytest.fixture
def run(tmp_path, capsys):
    """Runs preflight on some parameters; returns the exit code, the table and the shortages."""

    def start(values=None, settings=SETTINGS, template=TEMPLATE, stack="denyDelete"):
        (tmp_path / "scripts").mkdir(exist_ok=True)
        wrapped = {name: {"value": value} for name, value in (values or parameters()).items()}
        for name, data in (
            ("test.parameters.json", {"parameters": wrapped}),
            ("main.json", template),
            ("scripts/preflight.json", settings),
            ("scripts/stack.json", {"test": {"deny_settings_mode": stack}}),
        ):
            (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
        code = preflight.main(["test", "--build", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err.splitlines()

    return start


def test_what_fits_is_good(platform, run):
    code, table, shortages = run()
    assert (code, shortages) == (0, [])
    # 2 seats, 1 build and 3 nodes of a cluster: 36 vCPUs; 12 of the 20 in use are of this environment.
    lines = {" ".join(line.split()) for line in table.splitlines()}
    assert lines >= {
        "ok vCPUs of Azure Machine Learning, standardDDSv4Family swedencentral 36 needed, 40 free",
        "ok vCPUs of Azure Machine Learning, all families swedencentral 68 needed, 92 free",
        "ok vCPUs of virtual machines, standardDDSv5Family swedencentral 20 needed, 20 free",
        "ok Capacity of OpenAI.DataZoneStandard.gpt-5.4 swedencentral 200 needed, 260 free",
        "ok Capacity of OpenAI.GlobalProvisionedManaged swedencentral 50 needed, 50 free",
        "ok Provider Microsoft.MachineLearningServices registered",
        f"ok Rights /subscriptions/{SUBSCRIPTION} enough",
    }


def test_nothing_is_changed(platform, run):
    run()
    changing = re.compile(r"\b(create|update|set|delete|register|put|post|patch)\b")
    assert platform.asked and not [command for command in platform.asked if changing.search(command)]


def test_quota_of_machine_learning_falls_short(platform, run):
    values = parameters()
    values["clusters"][0]["maxNodes"] = 5
    code, table, shortages = run(values)
    assert code == 1
    assert shortages == [
        "vCPUs of Azure Machine Learning, standardDDSv4Family in swedencentral: 52 needed, 40 free. "
        "Ask for a limit of 60 instead of 48 (Usage + quotas)."
    ]


def test_family_without_any_quota(platform, run):
    values = parameters()
    values["seatSize"] = "Standard_NC16as_T4_v3"
    code, _, shortages = run(values)
    assert code == 1 and "Standard NCASv3_T4 Family in swedencentral: 32 needed, 0 free." in shortages[0]


def test_family_that_the_platform_does_not_list_has_no_quota(platform, run):
    usages = platform.answers[f"{REST} {LEARNING}/usages"]["value"]
    platform.answers[f"{REST} {LEARNING}/usages"] = {
        "value": [row for row in usages if "DASv4" not in row["name"]["value"]]
    }
    code, _, shortages = run()
    assert code == 1 and "standardDASv4Family in swedencentral: 32 needed, 0 free" in shortages[0]


def test_limit_of_minus_one_is_none(platform, run):
    for row in platform.answers[f"{REST} {LEARNING}/usages"]["value"]:
        row["limit"] = -1
    code, table, _ = run()
    assert code == 0 and "36 needed, no limit" in table


def test_every_page_is_read(platform, run):
    rows = platform.answers[f"{REST} {LEARNING}/usages"]["value"]
    second = "https://management.azure.com/next?page=2"
    platform.answers[f"{REST} {LEARNING}/usages"] = {"value": rows[:2], "nextLink": second}
    platform.answers[f"{REST} {second}"] = {"value": rows[2:]}
    assert run()[0] == 0


def test_quota_of_virtual_machines_falls_short(platform, run):
    values = parameters()
    values["nodePools"]["system"]["maxNodes"] = 6
    code, _, shortages = run(values)
    assert code == 1
    assert shortages == [
        "vCPUs of virtual machines, standardDDSv5Family in swedencentral: 24 needed, 20 free. "
        "Ask for a limit of 28 instead of 24 (Usage + quotas)."
    ]


@pytest.mark.parametrize(
    ("parameter", "size"), [("seatSize", "Standard_ND96asr_v4"), ("nodePools", "Standard_NC40ads_H100_v5")]
)
def test_region_without_the_family(platform, run, parameter, size):
    values = parameters()
    if parameter == "nodePools":
        values["nodePools"]["models"]["vmSize"] = size
    else:
        values[parameter] = size
    code, table, shortages = run(values)
    assert code == 1 and "not offered" in table
    assert shortages == [
        f"swedencentral has no {size} for {'nodes' if parameter == 'nodePools' else 'explore'}: "
        "choose another size or region."
    ]


def test_size_that_nobody_listed(platform, run):
    code, _, said = run({**parameters(), "extraSize": "Standard_E8s_v5"})
    assert code == 1 and said == [
        "Parameter extraSize holds the size Standard_E8s_v5: list it in scripts/preflight.json."
    ]


def test_machines_of_an_existing_resource_use_the_quota_there(platform, run):
    values = {**parameters(), "existingDatabricksId": f"{ELSEWHERE}/providers/Microsoft.Databricks/workspaces/dbw"}
    platform.answers["resource show"] = {"location": "westeurope"}
    row = {"use": "jobs", "quota": preflight.COMPUTE, "size": "Standard_D4ds_v5", "count": 9}
    machines = [*SETTINGS["machines"], {**row, "file": "training.yml", "runs_in": "existingDatabricksId"}]
    code, table, _ = run(values, {**SETTINGS, "machines": machines})
    assert code == 1 and "westeurope" in table
    asked = platform.said("vm list-usage --location westeurope")
    assert asked == ["vm list-usage --location westeurope --subscription 33333333-3333-3333-3333-333333333333"]


def test_machines_of_another_region_use_the_quota_there(platform, run):
    learning = LEARNING.replace("swedencentral", "germanywestcentral")
    for part in ("usages", "vmSizes"):
        platform.answers[f"{REST} {learning}/{part}"] = platform.answers[f"{REST} {LEARNING}/{part}"]
    row = {"use": "train elsewhere", "quota": preflight.MACHINE_LEARNING, "pools": "clusters"}
    machines = [*SETTINGS["machines"], {**row, "region": "germanywestcentral"}]
    code, table, _ = run(settings={**SETTINGS, "machines": machines})
    assert code == 0
    lines = {" ".join(line.split()) for line in table.splitlines()}
    name = "vCPUs of Azure Machine Learning, standardDDSv4Family"
    assert lines >= {
        f"ok {name} swedencentral 36 needed, 40 free",
        f"ok {name} germanywestcentral 24 needed, 40 free",
    }


def test_capacity_of_another_environment_is_used_up(platform, run):
    platform.answers["cognitiveservices account list"][0]["resourceGroup"] = "rg-demo-prod-foundation"
    values = parameters()
    values["foundationAccounts"][0]["deployments"][0]["capacity"] = 201
    code, _, shortages = run(values)
    assert code == 1 and len(shortages) == 1
    assert "gpt-5.4 in swedencentral: 201 needed, 200 free. Ask for a limit of 301 instead of 300" in shortages[0]


def test_capacity_that_this_environment_has_already_counts(platform, run):
    values = parameters()
    values["foundationAccounts"][0]["deployments"][0]["capacity"] = 261
    code, _, shortages = run(values)
    assert code == 1
    assert shortages == [
        "Capacity of OpenAI.DataZoneStandard.gpt-5.4 in swedencentral: 261 needed, 260 free. "
        "Ask for a limit of 301 instead of 300 (Microsoft Foundry, Management, Quota)."
    ]
    assert len(platform.said("cognitiveservices account deployment list")) == 1


def test_model_without_any_quota(platform, run):
    platform.answers["cognitiveservices usage list"] = []
    platform.answers["cognitiveservices account list"] = []
    code, _, shortages = run()
    assert code == 1 and ["0 free" in shortage for shortage in shortages] == [True, True, True]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "gpt-9"}, "swedencentral does not offer gpt-9: choose another model or region."),
        ({"version": "2020-01-01"}, "does not offer version 2020-01-01 of gpt-5.4: choose one of 2026-03-05."),
        ({"sku": "Standard"}, "does not offer gpt-5.4 as Standard: choose another model, or one of DataZoneStandard"),
    ],
)
def test_model_that_the_region_does_not_offer(platform, run, change, says):
    values = parameters()
    values["foundationAccounts"][0]["deployments"][0].update(change)
    code, _, shortages = run(values)
    assert code == 1 and len(shortages) == 1 and says in shortages[0]


@pytest.mark.parametrize(("capable", "expected"), [("true", 0), ("false", 1)])
def test_region_that_tunes_models(platform, run, capable, expected):
    platform.answers["cognitiveservices model list"][0]["model"]["capabilities"] = {"fineTune": capable}
    code, table, shortages = run(settings={**SETTINGS, "tuning": ["test"]})
    assert code == expected and f"{1 - expected} models can be tuned" in table
    assert bool(shortages) == bool(expected) and all("tunes no foundation model" in row for row in shortages)


def test_provider_that_is_not_registered(platform, run):
    platform.answers["provider list"][0]["registrationState"] = "NotRegistered"
    code, _, shortages = run()
    assert code == 1
    assert shortages == [
        "Microsoft.Authorization is not registered in the subscription: "
        "run az provider register --namespace Microsoft.Authorization."
    ]


def test_kind_that_the_region_does_not_offer(platform, run):
    for row in platform.answers["provider list"]:
        if row["namespace"] == "Microsoft.MachineLearningServices":
            row["resourceTypes"][0]["locations"] = ["West Europe"]
    code, _, shortages = run()
    assert code == 1
    assert shortages == [
        "Microsoft.MachineLearningServices/workspaces is not offered in swedencentral: choose another region."
    ]


def test_contributor_alone_cannot_give_roles(platform, run):
    command = f"{REST} /subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions"
    platform.answers[command] = {"value": recorded("permissions")["value"][::2]}
    code, _, shortages = run()
    assert code == 1
    assert shortages == [
        f"Ask for a role on /subscriptions/{SUBSCRIPTION} that allows Microsoft.Authorization/roleAssignments/write."
    ]


@pytest.mark.parametrize(("stack", "short"), [("denyDelete", True), ("none", False)])
def test_denying_deletion_takes_a_right_of_its_own(platform, run, stack, short):
    command = f"{REST} /subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions"
    platform.answers[command] = {"value": recorded("permissions")["value"][:2]}
    code, _, shortages = run(stack=stack)
    assert bool(code) == short
    assert short == any("deploymentStacks/manageDenySetting/action" in line for line in shortages)


def test_reader_may_deploy_nothing(platform, run):
    command = f"{REST} /subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/permissions"
    platform.answers[command] = {"value": [{"actions": ["*/read"], "notActions": []}]}
    code, _, (shortage,) = run()
    assert code == 1
    assert "Microsoft.Resources/deployments/write" in shortage and "workspaces/computes/write" in shortage


def test_rights_on_what_is_reused(platform, run):
    platform.answers[f"{REST} {ELSEWHERE}/providers/Microsoft.Authorization/permissions"] = {"value": []}
    code, _, shortages = run()
    assert code == 1 and shortages == [
        f"Ask for a role on {ELSEWHERE} that allows Microsoft.Authorization/roleAssignments/write."
    ]


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (f"{REST} {ELSEWHERE}", f"Reader on {ELSEWHERE}"),
        (f"{REST} {LEARNING}/usages", f"Reader on /subscriptions/{SUBSCRIPTION}"),
        ("vm list-usage", f"Reader on /subscriptions/{SUBSCRIPTION}"),
        ("cognitiveservices usage list", f"Cognitive Services Usages Reader on /subscriptions/{SUBSCRIPTION}"),
    ],
)
def test_what_may_not_be_read_names_the_role(platform, run, command, role):
    words = max((known for known in platform.answers if known.startswith(command)), key=len)
    platform.answers[words] = Failure(
        "az x: (AuthorizationFailed) The client may not do this.\nCode: AuthorizationFailed"
    )
    code, table, shortages = run()
    assert code == 1 and "not readable" in table
    assert len(shortages) == 1
    assert shortages[0].endswith(f"(AuthorizationFailed) The client may not do this. Ask for the role {role}.")


def test_signed_out(platform, run):
    platform.answers["account show"] = Failure("az account show: Please run 'az login' to setup account.")
    code, _, said = run()
    assert code == 1 and said == ["az account show: Please run 'az login' to setup account."]


def test_unbuilt(platform, tmp_path, capsys):
    assert preflight.main(["test", "--build", str(tmp_path)]) == 1
    assert "run scripts/build.sh first" in capsys.readouterr().err


def test_sizes_of_this_project():
    """preflight.json knows every size that the definitions of this project name, and no parameter that is gone."""
    rows = json.loads((PROJECT / "scripts" / "preflight.json").read_text(encoding="utf-8"))["machines"]
    files = [*(PROJECT / "infra").glob("*.bicepparam")]
    declared = {name for path in files for name in re.findall(r"^param (\w+) =", path.read_text("utf-8"), re.MULTILINE)}
    used = {row[key] for row in rows for key in ("parameter", "each", "pools", "runs_in") if key in row}
    assert used <= declared
    definitions = {
        path.relative_to(PROJECT).as_posix(): path.read_text("utf-8") for path in (PROJECT / "ml").rglob("*.yml")
    }
    named = {(path, size) for path, text in definitions.items() for size in preflight.SIZE.findall(text)}
    assert named == {(row["file"], row["size"]) for row in rows if "file" in row}
