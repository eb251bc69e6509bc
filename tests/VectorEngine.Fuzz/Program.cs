using System.CommandLine;
using VectorEngine.Fuzz.Corruption;
using VectorEngine.Fuzz.Kill;
using VectorEngine.Fuzz.Soak;
using VectorEngine.Storage;

var seed = new Option<int>("--seed") { DefaultValueFactory = _ => 1, Description = "Decides everything.", Recursive = true };
var jobs = new Option<int>("--jobs")
{
    DefaultValueFactory = _ => Environment.ProcessorCount,
    Description = "Processes at a time.",
    Recursive = true,
};
var cases = new Option<int>("--cases") { DefaultValueFactory = _ => 2000, Description = "Number of damaged indexes." };
var single = new Option<int?>("--case") { Description = "Repeats one case, in this process." };
var root = new RootCommand("Damages indexes and uses them: nothing but a typed exception may come of it.") { seed, jobs, cases, single };
root.SetAction(async (result, _) => result.GetValue(single) is { } number
    ? await FuzzWorker.RepeatAsync(result.GetValue(seed), number)
    : await new FuzzRun(result.GetValue(seed), result.GetValue(cases), result.GetValue(jobs)).RunAsync());

var from = new Option<int>("--from");
var to = new Option<int>("--to");
var work = new Command("work", "Runs cases: started by the program itself.") { from, to };
work.Hidden = true;
work.SetAction(async (result, _) => await FuzzWorker.RunAsync(
    result.GetValue(seed), result.GetValue(from), result.GetValue(to), result.GetValue(jobs)));
root.Add(work);

var kills = new Option<int>("--kills") { DefaultValueFactory = _ => 10, Description = "Number of builds, at any time and within phases." };
var count = new Option<int>("--count") { DefaultValueFactory = _ => 20_000, Description = "Vectors of each." };
var dimensions = new Option<int>("--dimensions") { DefaultValueFactory = _ => 64, Description = "Of the vectors." };
var kill = new Command("kill", "Kills builds and users of a disk cache, and looks at what is left.") { kills, count, dimensions };
kill.SetAction(async (result, _) =>
    await new CacheKillRun(result.GetValue(seed), result.GetValue(kills)).RunAsync()
    + await new KillRun(result.GetValue(seed), result.GetValue(kills), result.GetValue(count), result.GetValue(dimensions)).RunAsync());
root.Add(kill);

var folder = new Option<string>("--folder") { Required = true };
var version = new Option<int>("--version");
var build = new Command("build", "Builds a version: started by the program itself.") { folder, count, dimensions, version };
build.Hidden = true;
build.SetAction(async (result, _) => await KillWorker.RunAsync(
    new BuildJob(result.GetRequiredValue(folder), result.GetValue(count), result.GetValue(dimensions)), result.GetValue(version)));
root.Add(build);

var cache = new Command("cache", "Uses a disk cache for ever: started by the program itself.") { folder };
cache.Hidden = true;
cache.SetAction((result, _) => Task.FromResult(CacheWorker.Run(result.GetRequiredValue(folder))));
root.Add(cache);

var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 10, Description = "How long; killing takes a fifth more." };
var server = new Option<string?>("--s3") { Description = "An S3 server's endpoint, instead of a store in memory." };
var soak = new Command("soak", "Does everything at once, with every fault; then kills processes that share a folder.") { minutes, server };
soak.SetAction(async (result, _) =>
{
    TimeSpan length = TimeSpan.FromMinutes(result.GetValue(minutes));
    IObjectStore store = result.GetValue(server) is { } endpoint ? await SoakServer.OpenAsync(endpoint) : new MemoryObjectStore();
    return await new SoakRun(result.GetValue(seed), length, store).RunAsync()
        + await new SoakKillRun(result.GetValue(seed), length / 5).RunAsync();
});
root.Add(soak);

var role = new Option<string>("--role") { Required = true };
var soakWork = new Command("soak-work", "Works until it is killed: started by the program itself.") { folder, role };
soakWork.Hidden = true;
soakWork.SetAction(async (result, _) =>
    await SoakWorker.RunAsync(result.GetRequiredValue(folder), result.GetRequiredValue(role), result.GetValue(seed)));
root.Add(soakWork);
return await root.Parse(args).InvokeAsync();
