"""Figures for the people at the desk."""

from people import caller_of
from upstream import ask_depot
from wire import answer


async def weekly(request):
    """Tell how much came in and went out."""
    caller = caller_of(request)
    status, body = await ask_depot(request, "GET", "/reports/weekly", query={"owner": caller["sub"]})
    return answer(body, status=status)


async def weights(request):
    """Tell how heavy parcels are."""
    caller_of(request)
    status, body = await ask_depot(request, "GET", "/reports/weights")
    return answer(body, status=status)
