using System.CommandLine;
using VectorEngine.ColdBench;

var command = new RootCommand("Measures indexes whose store is far away.");
command.Add(DelayProxy.CreateCommand());
command.Add(PeerCommands.CreateBuild());
command.Add(PeerCommands.CreateQuery());
command.Add(PeerCommands.CreateRecall());
command.Add(PointReads.Create());
return await command.Parse(args).InvokeAsync();
