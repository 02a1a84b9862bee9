"""The results of a run: one JSON file, written anew after each measurement, so that an interruption loses nothing."""
import json
import os
import pathlib
import platform
import statistics
import time


def describe_machine():
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        for line in text:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)}


class Results:
    def __init__(self, file):
        self.file = pathlib.Path(file)
        if self.file.exists():
            self.all = json.loads(self.file.read_text(encoding="utf-8"))
        else:
            self.all = {"begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": describe_machine(), "versions": {},
                        "notes": [], "measurements": []}

    def text(self):
        """One line a measurement, so that a change of the file can be read."""
        head = {name: value for name, value in self.all.items() if name != "measurements"}
        lines = ",\n".join(json.dumps(one) for one in self.all["measurements"])
        return json.dumps(head, indent=1)[:-2] + f',\n "measurements": [\n{lines}\n]}}\n'

    def save(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(self.text(), encoding="utf-8")
        new.replace(self.file)

    def version(self, name, version):
        self.all["versions"][name] = version
        self.save()

    def note(self, text):
        if text not in self.all["notes"]:
            self.all["notes"].append(text)
        self.save()

    def add(self, load, who, number, **values):
        self.all["measurements"].append({"load": load, "who": who, "round": number, **values})
        self.save()

    def has(self, load, who, number):
        return any(one["load"] == load and one["who"] == who and one["round"] == number
                   for one in self.all["measurements"])

    def of(self, load, who=None):
        return [one for one in self.all["measurements"] if one["load"] == load and who in (None, one["who"])]

    def who(self, load):
        return list(dict.fromkeys(one["who"] for one in self.of(load)))

    def values(self, load, who, key="value"):
        return [one[key] for one in self.of(load, who) if key in one]

    def median(self, load, who, key="value"):
        values = self.values(load, who, key)
        return statistics.median(values) if values else None

    def ratios(self, load, who, other, key="value", other_load=None):
        """`who` divided by `other`, round by round."""
        others = {one["round"]: one[key] for one in self.of(other_load or load, other) if one.get(key)}
        return [one[key] / others[one["round"]] for one in self.of(load, who)
                if key in one and one["round"] in others]
