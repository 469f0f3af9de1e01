"""Clients as a reader of socket tutorials writes them: one recv is one message.

    python3 clients.py PROGRAM HOST PORT [ARGUMENT...]
"""

import hashlib
import json
import os
import select
import socket
import sys


def dial(host, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.connect((host, int(port)))
    return s


def reply(s):
    s.sendall("请求占领地球".encode())
    print(s.recv(1024).decode())
    print(repr(s.recv(1024)))


def menu(s, *choices):
    s.settimeout(5)
    print(s.recv(1024).decode())
    for choice in choices:
        s.send(choice.encode())
        print(s.recv(1024).decode())


def upper(s, *lines):
    for line in lines:
        s.send(line.encode())
        print(s.recv(1024).decode())


def shell(s, *commands):
    for command in commands:
        s.send(command.encode())
        print(s.recv(1024).decode())


def shell_gbk(s, *commands):
    for command in commands:
        s.send(command.encode("gbk"))
        print(s.recv(1024).decode("gbk"))


def shell_length(s, *commands):
    for command in commands:
        s.send(command.encode())
        length = int(s.recv(1024).decode())
        s.send("recv_ready".encode())
        data = b""
        while len(data) < length:
            data += s.recv(1024)
        print(length, data.decode())


def get(s, name, to):
    s.send(("get " + name).encode())
    header = json.loads(s.recv(300).decode())
    if header.get("error") or header.get("method_error"):
        print(header)
        return
    md5 = hashlib.md5()
    received = 0
    with open(os.path.join(to, header["filename"]), "wb") as f:
        while received < header["file_size"]:
            data = s.recv(min(4096, header["file_size"] - received))
            md5.update(data)
            received += len(data)
            f.write(data)
    print(received, md5.hexdigest())


def post(s, path, *options):
    """Without options the header is bare: the padding is computed, and not sent."""
    name = os.path.basename(path)
    s.send(("post " + name).encode())
    header = {"filename": name, "file_size": os.path.getsize(path), "fill": ""}
    if "padded" in options:
        header["fill"] = "".zfill(300 - len(json.dumps(header).encode()))
    s.send(json.dumps(header).encode())
    md5 = hashlib.md5()
    with open(path, "rb") as f:
        for data in f:
            md5.update(data)
            s.sendall(data)
    print(header["file_size"], md5.hexdigest())
    if "more" in options:
        get(s, "none", ".")


def method(s, request):
    s.send(request.encode())
    print(json.loads(s.recv(300).decode()))


def chat(s, name, *lines):
    """Non-blocking, one loop; leaves when it has heard bye."""
    s.setblocking(False)
    waiting = [(name + ": " + line).encode() for line in lines]
    while True:
        readable, writable, _ = select.select([s], [s] if waiting else [], [], 10)
        if writable:
            s.send(waiting.pop(0))
        if readable:
            try:
                data = s.recv(1024)
            except BlockingIOError:
                continue
            print(data.decode().strip())
            if not data or b"bye" in data:
                return


if __name__ == "__main__":
    program, host, port, *arguments = sys.argv[1:]
    connection = dial(host, port)
    globals()[program](connection, *arguments)
    connection.close()
