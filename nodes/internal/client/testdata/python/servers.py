"""Servers as a reader of socket tutorials writes them: one recv is one message.

    python3 servers.py PROGRAM [ARGUMENT...]

prints its port and serves until it is ended.
"""

import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import threading


def reply(conn):
    conn.recv(1024)
    conn.sendall("不要回答,不要回答,不要回答".encode())


def menu(conn):
    conn.sendall("欢迎致电 10086,请输入1xxx,0转人工服务.".encode())
    while True:
        data = conn.recv(1024).decode()
        if not data or data == "exit":
            return
        if data == "0":
            conn.sendall("通过可能会被录音.balabala一大推".encode())
        else:
            conn.sendall("请重新输入.".encode())


def echo(conn):
    while data := conn.recv(1024):
        conn.sendall(data)


def upper(conn):
    while data := conn.recv(1024):
        conn.send(data.upper())


def run(command):
    p = subprocess.run(command, shell=True, capture_output=True)
    return p.stdout + p.stderr or "无返回内容".encode()


def shell(conn):
    while data := conn.recv(1024):
        conn.send(run(data.decode()))


def shell_gbk(conn):
    while data := conn.recv(1024):
        conn.send(run(data.decode()).decode().encode("gbk"))


def shell_length(conn):
    while data := conn.recv(1024):
        answer = run(data.decode())
        conn.send(str(len(answer)).encode())
        if conn.recv(1024) == b"recv_ready":
            conn.sendall(answer)


def file(conn, directory):
    while data := conn.recv(1024):
        method, name = data.decode().split()
        if method == "get":
            send_file(conn, directory, name)
        elif method == "post":
            take_file(conn, directory)
        else:
            conn.send(json.dumps({"method_error": "method unsupported"}).encode())


def send_file(conn, directory, name):
    path = os.path.join(directory, name)
    if not os.path.isfile(path):
        conn.send(json.dumps({"error": "cannot find %s on server" % name}).encode())
        return
    conn.send(json.dumps({"filename": name, "file_size": os.path.getsize(path), "fill": ""}).encode())
    with open(path, "rb") as f:
        conn.sendall(f.read())


def take_file(conn, directory):
    header = json.loads(conn.recv(300).decode())
    md5 = hashlib.md5()
    left = header["file_size"]
    with open(os.path.join(directory, header["filename"]), "wb") as f:
        while left:
            data = conn.recv(min(4096, left))
            md5.update(data)
            f.write(data)
            left -= len(data)
    print(md5.hexdigest(), flush=True)


def chat(conn):
    """Says hello, and bye when it has heard something; non-blocking."""
    conn.setblocking(False)
    conn.send("hello".encode())
    while True:
        select.select([conn], [], [], 10)
        data = conn.recv(1024)
        if not data:
            return
        print(data.decode().strip(), flush=True)
        conn.send("bye".encode())


if __name__ == "__main__":
    program, *arguments = sys.argv[1:]
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)
    print(listener.getsockname()[1], flush=True)

    def talk(conn):
        with conn:
            globals()[program](conn, *arguments)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection,), daemon=True).start()
