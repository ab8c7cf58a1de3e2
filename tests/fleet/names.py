"""Names for a fleet that looks real: places, providers, organisations. All of them invented."""

from __future__ import annotations

#: Name of the place, region, provider.
PLACES = (
    ("Netherlands", "nl-west", "polderhost"),
    ("Germany", "de-central", "rheincloud"),
    ("France", "fr-north", "lumiere-vps"),
    ("Finland", "fi-south", "birchnode"),
    ("Poland", "pl-east", "vistula-servers"),
    ("Ireland", "ie-east", "greenmast"),
    ("Spain", "es-north", "picos-hosting"),
    ("Austria", "at-west", "alpenrack"),
)

_ORGANIZATIONS = (
    "ACME Corp",
    "Globex",
    "Initech",
    "Bright Harbour Logistics",
    "Meadow Dental Group",
    "Tulip and Sons",
    "Copperfield Bakeries",
    "Lantern Insurance",
    "Oak Street Clinics",
    "Seagull Ferries",
    "Willow Care Homes",
    "Redbrick Builders",
    "Morning Dew Dairy",
    "Halfmoon Hotels",
    "Kestrel Couriers",
    "Juniper Legal",
    "Blue Anchor Shipping",
    "Windmill Energy",
    "Fox and Finch Design",
    "Granite Works",
    "Silver Birch Schools",
    "Marigold Catering",
    "Northgate Cycles",
    "Pebble Beach Resorts",
    "Quince Cosmetics",
    "Riverbend Foods",
    "Starling Staffing",
    "Thistle Textiles",
    "Umber Architects",
    "Velvet Theatres",
)


def place(at: int) -> tuple[str, str, str]:
    """Name, region and provider of the server number ``at`` (from 0)."""
    name, region, provider = PLACES[at % len(PLACES)]
    return f"{name} {at // len(PLACES) + 1}", region, provider


def organization(at: int) -> str:
    """The name of the tenant number ``at`` (from 0); beyond the list they have branches."""
    name, branch = _ORGANIZATIONS[at % len(_ORGANIZATIONS)], at // len(_ORGANIZATIONS)
    return f"{name} {branch + 1}" if branch else name


def tenant_id(at: int) -> str:
    """``tenant-acme-corp``, ``tenant-globex-2``"""
    return f"tenant-{organization(at).lower().replace(' ', '-')}"
