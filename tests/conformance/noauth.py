"""In the place of Keystone's middleware: who has a token is the admin.

For a paste file; what keystonemiddleware.auth_token would say about the
token, without a Keystone to ask.
"""

SAYS = {
    'HTTP_X_IDENTITY_STATUS': 'Confirmed',
    'HTTP_X_SERVICE_IDENTITY_STATUS': 'Confirmed',
    'HTTP_X_USER_ID': 'c0ffee00c0ffee00c0ffee00c0ffee00',
    'HTTP_X_USER_NAME': 'admin',
    'HTTP_X_USER_DOMAIN_ID': 'default',
    'HTTP_X_USER_DOMAIN_NAME': 'Default',
    'HTTP_X_PROJECT_ID': 'decade00decade00decade00decade00',
    'HTTP_X_PROJECT_NAME': 'admin',
    'HTTP_X_PROJECT_DOMAIN_ID': 'default',
    'HTTP_X_PROJECT_DOMAIN_NAME': 'Default',
    'HTTP_X_ROLES': 'admin,member,reader,service',
    'HTTP_X_SERVICE_ROLES': 'service',
    'HTTP_X_SERVICE_CATALOG': '[]',
    # older names of the same
    'HTTP_X_TENANT_ID': 'decade00decade00decade00decade00',
    'HTTP_X_TENANT_NAME': 'admin',
    'HTTP_X_TENANT': 'admin',
    'HTTP_X_USER': 'admin',
    'HTTP_X_ROLE': 'admin,member,reader,service',
}


def filter_factory(global_conf, acl_public_routes='', **local_conf):
    public = [route.strip() for route in acl_public_routes.split(',')]

    def wrap(application):
        def noauth(environ, start_response):
            if (environ['PATH_INFO'].rstrip('/') or '/') in public:
                environ['is_public_api'] = True
                return application(environ, start_response)
            if not environ.get('HTTP_X_AUTH_TOKEN'):
                start_response('401 Unauthorized',
                               [('Content-Type', 'text/plain')])
                return [b'no token\n']
            environ.update(SAYS)
            return application(environ, start_response)
        return noauth
    return wrap
