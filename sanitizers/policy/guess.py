"""A first policy for any database: what every column seems to be, from names, types and keys. No row is read.

Guesses err towards treating: what is not recognised is replaced or erased by its type, never silently kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sanitizers.catalog import Catalog, Column, Name, Table
from sanitizers.errors import PolicyInvalid
from sanitizers.policy.document import Profile
from sanitizers.policy.draft import Entry, Guess, Site, domain, fit, render, sites
from sanitizers.transformers.base import NUMBER, TEXT, TIME

Place = tuple[Name, str]


def draft_policy(catalog: Catalog, profile: Profile) -> str:
    """A first policy for the database as YAML, every column of every table with a guess to review.

    PolicyInvalid when the profile lacks a category that guesses lean on.
    """
    if missing := sorted(_CATEGORIES - set(profile.categories)):
        raise PolicyInvalid(
            f"profile {profile.profile} has no category {', '.join(missing)}", hint="use hipaa-lds"
        )
    found = {
        (site.table, site.column.name): site for table in catalog.roots() for site in sites(catalog, table)
    }
    entries: dict[Place, Entry] = {}
    for head, group in _linked(catalog, found):
        entry = fit(_guess(catalog, found[head]), [found[place] for place in group], profile)
        follows = Entry(Guess(entry.guess.category, f"as {head[0]}.{head[1]}"), entry.treat, entry.reason)
        entries.update({place: entry if place == head else follows for place in group})
    return render(catalog, profile.profile, entries)


def _linked(catalog: Catalog, found: dict[Place, Site]) -> Iterator[tuple[Place, list[Place]]]:
    """Columns that foreign keys tie together, each group with the column the others refer to."""
    leader = {place: place for place in found}

    def lead(place: Place) -> Place:
        while leader[place] != place:
            place = leader[place]
        return place

    ties = [tie for tie in _ties(catalog) if tie[0] in found and tie[1] in found]
    for mine, theirs in ties:
        leader[lead(mine)] = lead(theirs)
    groups: defaultdict[Place, list[Place]] = defaultdict(list)
    for place in found:
        groups[lead(place)].append(place)
    referring = {mine for mine, theirs in ties if mine != theirs}
    for group in groups.values():
        yield next((place for place in group if place not in referring), group[0]), group


def _ties(catalog: Catalog) -> Iterator[tuple[Place, Place]]:
    for table in catalog.tables.values():
        for key in table.foreign_keys:
            here, there = catalog.root_of(table.name), catalog.root_of(key.referenced)
            for mine, theirs in zip(key.columns, key.referenced_columns, strict=True):
                yield (here, mine), (there, theirs)


def _guess(catalog: Catalog, site: Site) -> Guess:
    """What one column seems to be: by type, by key, by name, by structure, or unknown."""
    table, column = catalog.tables[site.table], site.column
    if _LEDGER.fullmatch(words(table.name.name)) and not words(column.name).endswith("_by"):
        return Guess("non_identifying", "record of applied migrations")
    if column.category in "BE":
        return _choice(column)
    if column.base in TIME or column.base in {"time", "timetz", "interval"}:
        return _time(column)
    if column.base in _BY_TYPE:
        return _BY_TYPE[column.base]
    named = _named(column, _letter(column))
    if _surrogate_key(table, column) and (named is None or words(column.name).endswith("id")):
        return Guess("non_identifying", "key")
    return (
        _bare_name(catalog, table, column) or named or _structural(catalog, table, column) or _unknown(column)
    )


_LEDGER = re.compile(
    r"flyway_schema_history|schema_(migrations?|version)|alembic_version|django_migrations|pgmigrations"
    r"|databasechangelog(lock)?|goose_db_version|ar_internal_metadata|(knex|prisma|sqlx)_migrations(_lock)?"
    r"|ef_migrations_history"
)


def _choice(column: Column) -> Guess:
    named = _named(column, "T") if column.category == "E" else None
    traits = named is not None and named.category.startswith("quasi_identifier")
    return named if named and traits else Guess("non_identifying", "a choice of few values")


_BY_TYPE = {
    "json": Guess("json", "document: list the paths to keep"),
    "jsonb": Guess("json", "document: list the paths to keep"),
    "inet": Guess("ip_address", "by type"),
    "cidr": Guess("ip_address", "by type"),
    "macaddr": Guess("device_id", "by type"),
    "macaddr8": Guess("device_id", "by type"),
    "money": Guess("financial_sensitive", "by type"),
    "vector": Guess("biometric", "an embedding may be one of a face or a voice"),
    "point": Guess("postal_address.location", "by type"),
    "geometry": Guess("postal_address.location", "by type"),
    "geography": Guess("postal_address.location", "by type"),
}


def words(name: str) -> str:
    """A name as lower-case words joined by `_`: `FirstName2` is `first_name_2`, `Straße` is `strasse`."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Za-z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _part(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())


_HOUSEKEEPING = re.compile(
    r"(row_)?(created|updated|modified|inserted|deleted|changed|synced|imported|loaded|archived)(_?(at|on|date|time|timestamp))?"
    r"|(create|creation|update|modification|last_update|last_updated|last_modified|last_change)(_?(at|on|date|time|timestamp))?"
    r"|(date|time)_(created|updated|modified)|(angelegt|erstellt|geandert)_am"
)


def _time(column: Column) -> Guess:
    if _HOUSEKEEPING.fullmatch(words(column.name)):
        return Guess("non_identifying", "when the row was written")
    return Guess(f"quasi_identifier.{_part(column.name)}", "date or time")


def _surrogate_key(table: Table, column: Column) -> bool:
    if column.base not in {"int2", "int4", "int8", "uuid"} or column.array:
        return False
    made = column.identity != "" or (column.default or "").startswith(
        ("nextval(", "gen_random_uuid(", "uuid")
    )
    return made or (column.base == "uuid" and column.name in table.primary_key)


_PEOPLE = re.compile(
    r"(?:^|_)([a-z]*(patient|person|people|customer|client|user|employee|staff|provider|doctor|physician|nurse|member|contact"
    r"|relative|guarantor|subscriber|actor|author|owner|student|teacher|driver|account|profile|kunde|mitarbeiter|personne|persona"
    r"|cliente|usuario|empleado|pessoa)(e?s|n)?)(?:_|$)"
)
_COMPANIES = re.compile(
    r"(?:^|_)(compan(y|ies)|organi[sz]ations?|employers?|payers?|insurers?|vendors?|suppliers?|merchants?|firm(a|en)?|partners?"
    r"|business(es)?|practices?|hospitals?|clinics?|tenants?|brands?|empresas?|entreprises?)(?:_|$)"
)


def _bare_name(catalog: Catalog, table: Table, column: Column) -> Guess | None:
    """A column that says no more than `name` or `title`: the table says whose."""
    if words(column.name) not in {"name", "title", "label"} or column.base not in TEXT:
        return None
    of = words(table.name.name)
    if _COMPANIES.search(of):
        return Guess("name.company", "name of an organization")
    if not _PEOPLE.search(of) and _lookup(catalog, table):
        return Guess("non_identifying", "label of a lookup table")
    return Guess("name", "by name") if words(column.name) == "name" else None


def _lookup(catalog: Catalog, table: Table) -> bool:
    """Whether others refer to this table, it refers to none, and it holds little but a label."""
    referred = any(
        key.referenced == table.name for other in catalog.tables.values() for key in other.foreign_keys
    )
    content = [column for column in table.columns if not _HOUSEKEEPING.fullmatch(words(column.name))]
    return referred and not table.foreign_keys and len(content) <= _FEW


_FEW = 6


def _structural(catalog: Catalog, table: Table, column: Column) -> Guess | None:
    """What keys, constraints and plain words tell of a column whose name gives nothing away."""
    if column.base in {"int2", "int4", "int8", "uuid"} and not column.array:
        if column.name in table.primary_key:
            return Guess("non_identifying", "key")
        if target := _leads_to(catalog, column):
            return Guess("non_identifying", f"seems to lead to {target}, without a foreign key")
    if any(check.columns == (column.name,) and "= ANY (" in check.definition for check in table.checks):
        return Guess("non_identifying", "a choice of few values")
    if column.base in NUMBER and _COUNTS.search(words(column.name)):
        return Guess("non_identifying", "a count or a measure")
    if column.base in TEXT and _CODES.search(words(column.name)):
        return Guess("non_identifying", "a code or a kind")
    return None


def _leads_to(catalog: Catalog, column: Column) -> Name | None:
    """The table whose key the name spells: `manager_staff_id` staff.staff_id, `patient_id` patients.id."""
    name = words(column.name).replace("_", "")
    for table in catalog.roots():
        if len(table.primary_key) != 1 or table.by_name[table.primary_key[0]].base != column.base:
            continue
        key = words(table.primary_key[0]).replace("_", "")
        one = re.sub(r"s$", "", words(table.name.name)).replace("_", "")
        if key.endswith("id") and name.endswith(key if key not in {"id", "uuid"} else f"{one}{key}"):
            return table.name
    return None


_COUNTS = re.compile(
    r"(?:^|_)(counts?|quantity|qty|position|ordinal|sort|rank|priority|version|revision|seq(uence)?|attempts|retries|duration"
    r"|minutes|hours|days|weeks|months|length|width|height|depth|size|bytes|percent(age)?|score|level|step|page|capacity|units|num"
    r"|number_of_\w+|anzahl|menge|nombre|cantidad|quantidade|active|enabled|flags?|is|has)(?:_|$)"
)
_CODES = re.compile(
    r"(?:^|_)(code|type|kind|status|category|categories|class|currency|waehrung|locale|lang|language|languages|time_?zone|tz|units?"
    r"|format|mime|charset|severity|priority|method|mode|system|channel|color|colour|size|version|stage|phase|typ|art|devise|moneda"
    r"|(table|column|schema|role|plan|event|queue|job|task|product|model|field|setting|template|permission|feature)_?name)(_?\d+)?$"
)


def _unknown(column: Column) -> Guess:
    if column.base in TEXT or column.base in {"xml", "tsvector"}:
        return Guess("free_text", "text of unknown content")
    if column.base == "uuid" or (
        column.base in NUMBER and re.search(r"(id|ref|reference|by)$", words(column.name))
    ):
        return Guess("account_number", "an identifier that leads nowhere here")
    if column.base in NUMBER:
        return Guess("financial_sensitive", "number of unknown meaning")
    return Guess("binary", f"content of unknown kind ({column.base})")


@dataclass(frozen=True)
class _Rule:
    """Words that give a category away, for columns of some types (T text, N number, B bytea, U uuid)."""

    category: str
    types: str
    words: re.Pattern[str]


def _rule(category: str, types: str, *patterns: str) -> _Rule:
    """A space in a pattern may be an underscore or nothing; a pattern has to match whole words."""
    joined = "|".join(patterns).replace(" ", "_?")
    return _Rule(category, types, re.compile(rf"(?:^|_)(?:{joined})(?:_?\d+)?(?:_|$)"))


_NO = "(no|nr|num|number|nummer|numero)"
_RULES = (
    # The first rule that matches decides, so what must not be missed comes before what is common.
    _rule(
        "credential.password", "TB",
        "[a-z]*pass ?(word|wort|wd|phrase|code|hash)", "passwd", "pwd", "pw", "pw hash", "kennwort",
        "mot de passe", "mdp", "contrasena", "senha",
    ),
    _rule(
        "credential.token", "TBUN",
        "[a-z]*tokens?", "[a-z]*secrets?", "otp", "totp",
        "(api|access|private|signing|encryption|auth) key", "session( id| key)", "jwt", "cookies?", "csrf",
        "salt", "nonce", "pin", "cvv", "cvc", "credentials?", "security answer",
        "(security|activation|verification|confirmation|invite|invitation) codes?",
        "(access|recovery|backup|reset|login) codes?",
    ),
    _rule(
        "free_text", "T",
        # At the end only: `email_body` is a body, `note_id` is no note.
        r"([a-z]*notes?|comments?|body|subject|message|memo|remarks?|[a-z]*description|transcript|narrative"
        r"|feedback|file ?name|path|notiz(en)?|bemerkung(en)?|kommentar|beschreibung|commentaires?|remarques?"
        r"|observaciones|comentarios?|descripcion|descricao)(_?\d+)?$",
    ),
    _rule(
        "ssn", "TN",
        "ssn", "social security( [a-z]+)?", "tin", "itin", "tax( payer)? (id|" + _NO + ")", "nino",
        "national (id|insurance)( [a-z]+)?", "steuer (id|nummer|nr)", "nif", "dni", "cpf", "curp",
        "num(ero)? secu",
    ),
    _rule(
        "mrn", "TN",
        "mrn", "medical record( [a-z]+)?", f"(patient|patienten|chart|hospital) {_NO}", "pub ?pid",
        "dossier",
    ),
    _rule(
        "health_plan_id", "TN",
        f"(member|subscriber|beneficiary|[a-z]*insurance|versicherten) (id|{_NO})", f"(policy|group) {_NO}",
        "mbi", "hicn", "medicare( id)?", "medicaid( id)?", f"versicherungs? {_NO}", "kvnr", "poliza",
    ),
    _rule(
        "vehicle_id", "T",
        "vin", "license plate", f"plate( {_NO})?", "number plate", "kennzeichen", "matricula", "placa",
        "immatriculation", f"(chassis|fahrgestell) {_NO}",
    ),
    _rule(
        "device_id", "TU",
        f"serial( {_NO})?", "[a-z]+ serial", "udi", "imei", "imsi", "mac( addr| address)?",
        "(device|hardware) (id|uuid)", "idfa", "gaid", "advertising id", f"serien {_NO}", f"{_NO} serie",
    ),
    _rule(
        "license_number", "TN",
        "npi", f"dea( {_NO})?", "drivers?( licen[sc]e)?( [a-z]+)?", f"licen[sc]e( {_NO})?",
        f"passport( {_NO})?", "reisepass", "ausweis", "pasaporte", "passeport", "permis", "cnh",
        f"cert(ificate)? {_NO}",
    ),
    _rule(
        "account_number", "TN",
        "iban",
        f"(account|acct|bank account|customer|invoice|card|credit card|cc|routing|konto|kunden) {_NO}",
        "(debit|credit|bank) account", "pan", "(acct|card) last ?4", "sort code", "cuenta", "compte",
        "conta", "stripe( [a-z]+)? id",
    ),
    _rule("fax", "TN", "[a-z]*fax", "telefax"),
    _rule(
        "email", "T",
        "[a-z]*e ?mails?( addr| address| addresses)?", "mail", "mail address", "correo( electronico)?",
        "courriel",
    ),
    _rule(
        "phone", "TN",
        "[a-z]*phones?", "tel", "mobile", "cell", "msisdn", "whatsapp", "handy", "[a-z]*telefono?",
        "telefone", "portable", "celular", "movil", f"(ruf|mobil) {_NO}",
    ),
    _rule(
        "biometric", "TB",
        "[a-z]*finger ?prints?( [a-z]+)?", "voice ?prints?", "biometric[a-z]*", "retina", "iris",
        "(face|voice) embedding", "signature",
    ),
    _rule(
        "url", "T",
        "[a-z]*urls?", "uri", "links?", "[a-z]*web ?(site|page|seite)", "homepage", "blog", "referr?er",
        "callback", "domain", "site web", "pagina web",
    ),
    _rule(
        "face_image", "TB",
        "photos?", "pictures?", "avatar", "portrait", "selfie", "images?", "headshot", "foto", "bild",
        "imagen", "imagem", "thumbnail",
    ),
    _rule("ip_address", "T", "ips?( addr| address)?", "ipv[46]", "x forwarded for", "remote addr"),
    _rule("postal_address.latitude", "TN", "lat", "latitude?", "breitengrad"),
    _rule("postal_address.longitude", "TN", "lon", "lng", "longitude?", "langengrad"),
    _rule(
        "quasi_identifier.zip", "TN",
        "zip( code)?", "post(al)? ?code", "plz", "postleitzahl", "code postal", "codigo postal", "cep",
    ),
    _rule(
        "quasi_identifier.city", "T",
        "city", "town", "municipality", "ort", "stadt", "wohnort", "ville", "ciudad", "cidade",
    ),
    _rule(
        "quasi_identifier.state", "T",
        "state", "province", "region", "district", "bundesland", "provincia", "estado", "departement",
    ),
    _rule("quasi_identifier.county", "TN", "county", "parish", "fips", "landkreis"),
    _rule(
        "quasi_identifier.country", "T",
        "country", "nation", "nationality", "citizenship", "pays", "pais",
    ),
    _rule(
        "quasi_identifier.birth_date", "TN",
        "dob", "date of birth", "birth ?(date|day|year)", "year of birth", "born", "geburts ?(datum|tag)",
        "date naissance", "fecha nacimiento", "data nascimento",
    ),
    _rule("quasi_identifier.birth_place", "T", "birth ?place", "place of birth", "geburtsort"),
    _rule("quasi_identifier.age", "TN", "age", "alter", "edad", "idade"),
    _rule("quasi_identifier.year", "N", "year", "jahr", "annee", "ano"),
    _rule("quasi_identifier.sex", "TN", "sex", "gender", "geschlecht", "sexe", "sexo", "genero"),
    _rule("quasi_identifier.race", "TN", "race", "ethnic(ity)?", "religion"),
    _rule("quasi_identifier.marital_status", "TN", "marital( status)?", "familienstand", "estado civil"),
    _rule("quasi_identifier.occupation", "T", "occupation", "profession", "job( title)?", "beruf"),
    _rule(
        "postal_address.line2", "T",
        "(address|addr|street)( line)? ?[23]", "apartment", "apt", "suite", "adresszusatz", "complemento",
    ),
    _rule(
        "postal_address.street", "T",
        "[a-z]*street( [a-z]+)?", "[a-z]*address( line| lines)?", "addr", "strasse", "[a-z]*anschrift",
        "adresse", f"(house|haus) ?{_NO}", "po box", "postfach", "rue", "rua", "calle", "direccion",
        "domicilio", "endereco",
    ),
    _rule(
        "postal_address.location", "T",
        "geo ?hash", "place id", "plus code", "coords?", "coordinates", "geo ?location",
    ),
    _rule(
        "name.user", "T",
        "user ?name", "user ?id", "login( name)?", "logon", "handle", "nick ?name", "screen ?name",
        "usuario", "identifiant", "[a-z]+ed by", "benutzer( name)?", "actor",
    ),
    _rule(
        "name.first", "T",
        "first ?name", "fname", "given ?names?", "fore ?name", "preferred ?name", "vor ?name", "prenom",
        "primeiro nome", "^first$", "^nombres?$",
    ),
    _rule("name.middle", "T", "middle ?(name|initial)", "mname", "mi", "segundo nombre", "^middle$"),
    _rule(
        "name.last", "T",
        "last ?name", "lname", "sur ?name", "family ?name", "maiden( name)?", "birth ?name",
        "mothers ?name", "nach ?name", "nom( de famille)?", "apellidos?", "sobrenome", "^last$",
    ),
    _rule("name.initials", "T", "initials", "initialen", "kurzel"),
    _rule(
        "name.company", "T",
        "(company|organi[sz]ation|employer|firm|business|vendor|supplier)( name)?",
        "(payer|practice|hospital|brand)( name)?", "arbeitgeber", "firma", "entreprise", "empresa",
    ),
    _rule(
        "non_identifying", "T",
        "(table|column|schema|role|plan|event|queue|job|task|product|model|field|setting|template) ?name",
        "(permission|feature|category|department|status|type|class) ?name",
    ),
    _rule(
        "name", "T",
        "[a-z]*name", "contact", "guarantor", "guardian", "next of kin", "emergency contact", "spouse",
        "mother", "father", "parent", "author", "owner", "doctor", "physician", "recipient", "nome",
        "ansprechpartner",
    ),
    _rule(
        "sensitive_attribute.code", "T",
        "(diagnosis|procedure|condition|drug|medication|allergy|reason) ?code", "icd( 9| 10)?( code)?",
        "cpt", "loinc", "snomed( ct)?", "ndc", "rxnorm", "hcpcs",
    ),
    _rule(
        "financial_sensitive", "N",
        "[a-z]*(amount|price|cost|costs|fees?|salary|wages?|income|revenue|balance|total|totals|payments?)",
        "tax", "discount", "payout", "charges?", "debit", "credit", "budget", "forecast", "margin",
        "commission", "bonus", "premium", "deductible", "copay", "coverage", "expenses?", "rate", "paid",
        "outstanding", "adjustments?", "transfers?", "profit", "turnover", "betrag", "preis", "gehalt",
        "umsatz", "montant", "prix", "salaire", "importe", "precio", "salario", "preco", "valor",
    ),
    _rule(
        "free_text", "T",
        "text", "content", "bio", "about", "summary", "reason", "details?", "title", "instructions",
    ),
)  # fmt: skip

_CATEGORIES = {
    *(rule.category.partition(".")[0] for rule in _RULES),
    *(guess.category.partition(".")[0] for guess in _BY_TYPE.values()),
    "binary", "non_identifying", "quasi_identifier",
}  # fmt: skip


def _named(column: Column, letter: str) -> Guess | None:
    """What the name of the column, or of its domain, gives away."""
    for name in filter(None, (words(column.name), words(domain(column)))):
        for rule in _RULES:
            if letter in rule.types and rule.words.search(name):
                return Guess(rule.category, "by name")
    return None


def _letter(column: Column) -> str:
    if column.base in TEXT:
        return "T"
    if column.base in NUMBER:
        return "N"
    return {"bytea": "B", "uuid": "U"}.get(column.base, "-")
