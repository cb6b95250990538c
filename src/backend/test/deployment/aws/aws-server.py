# Amazon's command line, loaded once: each call is a fork of this process, with the caller's words, environment, folder and channels. To load
# it takes most of a second, and the tests call it hundreds of times.
import json
import os
import signal
import socket
import sys

import awscli.clidriver
import awscli.handlers
from awscli.customizations.eks import update_kubeconfig


def answer(connection):
    _, channels, _, _ = socket.recv_fds(connection, 1, 3)
    call = json.load(connection.makefile("r"))
    for number, channel in enumerate(channels):
        os.dup2(channel, number)
        os.close(channel)
    # The command line has told itself where its own data is.
    data_path = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(call["environment"], AWS_DATA_PATH=data_path)
    # Where kubectl's settings are it has found out as it was loaded, of this process.
    update_kubeconfig.DEFAULT_PATH = os.path.expanduser("~/.kube/config")
    os.chdir(call["folder"])
    sys.argv = ["aws", *call["words"]]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = awscli.clidriver.main()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([status]))


listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
# Nobody waits for calls that have ended.
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    caller, _ = listening.accept()
    if os.fork() == 0:
        listening.close()
        try:
            answer(caller)
        finally:
            os._exit(0)
    caller.close()
