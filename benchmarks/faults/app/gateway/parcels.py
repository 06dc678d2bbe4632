"""Parcels: who may do what with them. The depot does it."""

from people import caller_of, clerk_of
from problems import Problem
from upstream import ask_depot
from wire import answer


async def listing(request):
    """List the parcels of the caller."""
    caller = caller_of(request)
    status, body = await ask_depot(request, "GET", "/parcels", query={"owner": caller["sub"], **request.query})
    return answer(body, status=status)


async def create(request):
    """Take a parcel in."""
    caller = clerk_of(request)
    wish = await request.json()
    status, body = await ask_depot(request, "POST", "/parcels", body={**wish, "owner": caller["sub"]})
    return answer(body, status=status)


async def show(request):
    """Tell where a parcel is."""
    caller_of(request)
    status, body = await ask_depot(request, "GET", f"/parcels/{request.match_info['number']}")
    return answer(body, status=status)


async def dispatch(request):
    """Send a parcel out."""
    return await move(request, "on the road")


async def recall(request):
    """Call a parcel back."""
    return await move(request, "called back")


async def move(request, state):
    caller = clerk_of(request)
    number = request.match_info["number"]
    status, parcel = await ask_depot(request, "GET", f"/parcels/{number}")
    if status == 200 and parcel["owner"] != caller["sub"]:
        raise Problem(403, "this is the parcel of somebody else")
    if status == 200:
        status, parcel = await ask_depot(request, "POST", f"/parcels/{number}/state", body={"state": state})
    return answer(parcel, status=status)


async def search(request):
    """Find parcels by what stands on them."""
    caller_of(request)
    status, body = await ask_depot(request, "GET", "/search", query=dict(request.query))
    return answer(body, status=status)


async def manifest(request):
    """Take a list of parcels in at once, as text."""
    clerk_of(request)
    status, body = await ask_depot(request, "POST", "/manifests", body={"text": await request.text()})
    return answer(body, status=status)
