"""Public databases with their policies: the whole refresh copes with what their authors built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sanitizers.postgres.cluster import Cluster
from tests import datasets
from tests.e2e.conftest import Clinic, target

POLICIES = Path(__file__).parents[2] / "policies"
needs_data = pytest.mark.skipif(
    datasets.SHARED is None, reason="the public data sets are not beside the checkout"
)


@pytest.fixture
def public(production18: Cluster, home: Path, tmp_path: Path) -> Iterator[Callable[[str], Clinic]]:
    """Makes a target out of a data set's name."""
    made: list[Iterator[Clinic]] = []

    def make(name: str) -> Clinic:
        policy = (POLICIES / f"{name}.yaml").read_text(encoding="utf-8")
        made.append(target(production18, home, tmp_path, policy, migrations=False))
        return next(made[0])

    yield make
    for one in made:
        next(one, None)


@needs_data
def test_pagila(public: Callable[[str], Clinic]) -> None:
    shop = public("pagila")
    datasets.load_pagila(shop.production.dsn(shop.database))
    shop.refresh()
    assert shop.staging("SELECT count(*) FROM payment") == [(16049,)]
    assert shop.staging("SELECT count(*) FROM customer_list") == [(599,)]
    assert shop.staging("SELECT count(*) FROM customer WHERE email LIKE '%sakilacustomer%'") == [(0,)]
    assert shop.staging("SELECT nextval('payment_payment_id_seq') > 100000") == [(True,)]


@needs_data
def test_five_percent_of_pagilas_customers(public: Callable[[str], Clinic]) -> None:
    shop = public("pagila")
    datasets.load_pagila(shop.production.dsn(shop.database))
    rows = {
        "customer": "{sample: 0.05}",
        "film_actor": "{follow: [film_id]}",
        "film_category": "{follow: [film_id]}",
        "film": "referenced",
        "inventory": "referenced",
        "address": "referenced",
    }
    for table, rule in rows.items():
        shop.edit(f"  public.{table}:\n", f"  public.{table}:\n    rows: {rule}\n")
    plan = shop.run("plan", shop.database)
    assert "Rows: a keyed share of 5 % of the rows" in plan.output
    shop.refresh()
    assert shop.staging("SELECT count(*) BETWEEN 5 AND 70 FROM customer") == [(True,)]
    strangers = "SELECT count(*) FROM rental WHERE customer_id NOT IN (SELECT customer_id FROM customer)"
    assert shop.staging(strangers) == [(0,)]
    rented = "SELECT count(*) = (SELECT count(DISTINCT film_id) FROM inventory) FROM film"
    assert shop.staging(rented) == [(True,)]


@needs_data
@pytest.mark.parametrize("folder", datasets.SYNTHEA_FOLDERS)
def test_synthea(public: Callable[[str], Clinic], folder: str) -> None:
    hospital = public("synthea")
    datasets.load_synthea(hospital.production.dsn(hospital.database), csv_folder=folder)
    hospital.refresh()
    found = hospital.staging(
        "SELECT count(*) = count(DISTINCT ssn), bool_and(ssn ~ '^666'),"
        " bool_and(full_name = first || ' ' || last) FROM ehr.patients"
    )
    assert found == [(True, True, True)]
    assert hospital.staging(
        "SELECT count(*) > 0 FROM ehr.patient_summary s JOIN ehr.patients p USING (id, full_name, ssn)"
    ) == [(True,)]
