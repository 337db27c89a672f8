#!/usr/bin/python3
"""Tacker: a VNF package, made and read."""

import os
import sys

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../tools'))

from client import main  # noqa: E402


def package(service):
    made = service.call('POST', '/vnfpkgm/v1/vnf_packages', 201,
                        {'userDefinedData': {'demo': 'yes'}}).json()
    seen = service.call('GET', '/vnfpkgm/v1/vnf_packages/' + made['id'],
                        200).json()
    return 'VNF package: %s made and read, %s' % (
        seen['id'], seen['onboardingState'])


if __name__ == '__main__':
    main({'tacker-api': package}, {'X-Auth-Token': 'admin'})
