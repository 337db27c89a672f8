"""Designate's central within the API's process, where no broker is needed."""

from designate.central import service


def filter_factory(global_conf, **local_conf):
    service.Service().start()
    return lambda application: application
