DEBUG = False
SECRET_KEY = 'not-a-secret'
ALLOWED_HOSTS = ['*']
WEBROOT = '/dashboard/'
OPENSTACK_HOST = '127.0.0.1'
OPENSTACK_KEYSTONE_URL = 'http://127.0.0.1/identity/v3'
SESSION_ENGINE = 'django.contrib.sessions.backends.signed_cookies'
CACHES = {'default': {
    'BACKEND': 'django.core.cache.backends.locmem.LocMemCache'}}
COMPRESS_OFFLINE = True
STATIC_ROOT = '@STATE@/static'
