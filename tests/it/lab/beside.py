"""What others write: openstacksdk and a pool of threads. Creates COUNT servers, waits until they are active, deletes
them. Prints seconds of wall and CPU and the number of calls, without what importing and the first log-in take."""
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openstack
import requests

COUNT, THREADS = int(sys.argv[1]), int(sys.argv[2])
calls = 0
send = requests.Session.send


def counted(self, *args, **kwargs):
    global calls
    calls += 1
    return send(self, *args, **kwargs)


requests.Session.send = counted
cloud = openstack.connect(cloud='lab')
image = cloud.image.find_image('lab-image').id
flavor = cloud.compute.find_flavor('m1.nano').id
network = cloud.network.find_network('private').id


def make(number):
    server = cloud.compute.create_server(
        name='sdk-%d' % number, image_id=image, flavor_id=flavor,
        networks=[{'uuid': network}])
    return cloud.compute.wait_for_server(server, wait=600)


def drop(server):
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, wait=600)


calls = 0
wall, cpu = time.monotonic(), time.process_time()
with ThreadPoolExecutor(THREADS) as pool:
    servers = list(pool.map(make, range(COUNT)))
ready = time.monotonic() - wall
with ThreadPoolExecutor(THREADS) as pool:
    list(pool.map(drop, servers))
print(time.monotonic() - wall, ready, time.process_time() - cpu, calls)
