// Targets, each after what it needs: dotnet tool restore && dotnet cake --target=NAME
using System.Runtime.Intrinsics.X86;

const string Solution = "VectorEngine.sln", Tests = "tests/VectorEngine.Tests", Artifacts = "artifacts", NativeBuild = "native/build";

// Every run that names tests has to find some.
DotNetTestSettings Where(string filter, IDictionary<string, string> environment, string options = "") => new()
{
    Configuration = "Release",
    NoBuild = true,
    Filter = filter,
    EnvironmentVariables = environment,
    ArgumentCustomization = arguments => arguments.Append($"-- RunConfiguration.TreatNoTestsAsError=true {options}"),
};

Task("Native")
    .Description("Builds and tests the optional C++ kernels.")
    .Does(() =>
{
    Run("cmake", $"-S native -B {NativeBuild} -DCMAKE_BUILD_TYPE=Release");
    Run("cmake", $"--build {NativeBuild} --config Release --parallel");
    Run("ctest", $"--test-dir {NativeBuild} -C Release --output-on-failure");
});

Task("Build").Does(() => DotNetBuild(Solution, new DotNetBuildSettings { Configuration = "Release" }));

Task("Test")
    .IsDependentOn("Build")
    .Does(() => DotNetTest(Solution, new DotNetTestSettings { Configuration = "Release", NoBuild = true }));

Task("TestTiers")
    .Description("Tests again on every instruction set below this machine's best, and on the C++ kernels.")
    .IsDependentOn("Build")
    .IsDependentOn("Native")
    .DoesForEach(Tiers, tier =>
{
    Information($"{tier.Expected}: {tier.Variable}={tier.Value}");
    // These run the same code on every set.
    string[] same =
    [
        "Architecture", "Arrow", "ColdStart", "Format", "Inspect.", "Loading", "Publishing", "QuickStart", "Storage", "Telemetry", "Testing",
    ];
    string filter = string.Join('&', same.Select(part => $"FullyQualifiedName!~Tests.{part}"));
    DotNetTest(Tests, Where(filter, new Dictionary<string, string>
    {
        [tier.Variable] = tier.Value,
        ["VECTORENGINE_EXPECT_ISA"] = tier.Expected,
        ["VECTORENGINE_NATIVE"] = GetFiles($"{NativeBuild}/**/*vectorengine_kernels.{{so,dylib,dll}}").Single().FullPath,
    }));
})
    .DeferOnError();

Task("Pack")
    .Description("Packs the library, its S3 store and its stores for tests into artifacts/.")
    .Does(() =>
{
    string[] projects = { "src/VectorEngine", "src/VectorEngine.S3", "src/VectorEngine.Testing" };
    CleanDirectory(Artifacts);
    // An assembly that another target has built would be packed as it is, with this machine's paths in it.
    foreach (string project in projects)
        CleanDirectory($"{project}/obj/Release");
    foreach (string project in projects)
    {
        DotNetPack(project, new DotNetPackSettings
        {
            Configuration = "Release",
            OutputDirectory = Artifacts,
            MSBuildSettings = new DotNetMSBuildSettings().WithProperty("ContinuousIntegrationBuild", "true"),
        });
    }
});

Task("TestPackage")
    .Description("Uses the packages from a project outside the tree, with a package cache of its own.")
    .IsDependentOn("Pack")
    .Does(() =>
{
    const string TestingPackage = "VectorEngine.Testing.";
    string version = GetFiles($"{Artifacts}/{TestingPackage}*.nupkg").Single().GetFilenameWithoutExtension().ToString()[TestingPackage.Length..];
    string folder = System.IO.Directory.CreateTempSubdirectory("vectorengine-package-").FullName;
    try
    {
        CopyDirectory("tests/package", folder);
        DotNetRun(folder, new DotNetRunSettings
        {
            Configuration = "Release",
            WorkingDirectory = folder,
            EnvironmentVariables = new Dictionary<string, string>
            {
                ["NUGET_PACKAGES"] = $"{folder}/packages",
                ["VECTORENGINE_PACKAGES"] = MakeAbsolute(Directory(Artifacts)).FullPath,
                ["VECTORENGINE_VERSION"] = version,
            },
        });
        // Another source may have packages of these names and this version.
        foreach (string name in new[] { "VectorEngine", "VectorEngine.Testing" })
        {
            FilePath used = GetFiles($"{folder}/packages/{name.ToLowerInvariant()}/*/*.nupkg").Single();
            if (CalculateFileHash(used).ToHex() != CalculateFileHash($"{Artifacts}/{name}.{version}.nupkg").ToHex())
                throw new CakeException($"'{used}' is not the package that was built.");
        }
    }
    finally
    {
        DeleteDirectory(folder, new DeleteDirectorySettings { Recursive = true, Force = true });
    }
});

Task("TestArrow")
    .Description("Exchanges files with npm's apache-arrow, and tables with a C library.")
    .IsDependentOn("Build")
    .Does(() => TestArrow("FullyQualifiedName~ArrowInteropTests|FullyQualifiedName~ArrowCDataTests", longFiles: false));

Task("TestArrowLong")
    .Description("Exchanges files of 3 GB with npm's apache-arrow.")
    .IsDependentOn("Build")
    .Does(() => TestArrow("FullyQualifiedName~LongFilesGoBothWays", longFiles: true));

Task("TestS3")
    .Description("Tests the S3 store against a server of its own: Ceph's radosgw, in memory. Linux; installs its packages if they are missing.")
    .IsDependentOn("Build")
    .Does(() =>
{
    const string Server = "tests/s3-server";
    string folder = System.IO.Directory.CreateTempSubdirectory("vectorengine-s3-").FullName;
    try
    {
        Run($"{Server}/up.sh", folder);
        var environment = System.IO.File.ReadAllText($"{folder}/environment").Split()
            .Where(word => word.Contains('=')).Select(word => word.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        DotNetTest("tests/VectorEngine.S3.Tests", Where("FullyQualifiedName~S3", environment, "xUnit.FailSkips=true"));
    }
    finally
    {
        Run($"{Server}/down.sh", folder);
        DeleteDirectory(folder, new DeleteDirectorySettings { Recursive = true, Force = true });
    }
});

Task("ApacheArrow")
    .Description("Builds, tests and packs the adapter for Apache.Arrow; --feed=FOLDER names a further source of packages.")
    .IsDependentOn("Pack")
    .Does(() =>
{
    const string Adapter = "src/VectorEngine.ApacheArrow", AdapterTests = "tests/VectorEngine.ApacheArrow.Tests";
    DotNetMSBuildSettings WithFeed()
    {
        var settings = new DotNetMSBuildSettings();
        return HasArgument("feed")
            ? settings.WithProperty("RestoreAdditionalProjectSources", MakeAbsolute(Directory(Argument<string>("feed"))).FullPath)
            : settings;
    }

    DotNetBuild(AdapterTests, new DotNetBuildSettings { Configuration = "Release", MSBuildSettings = WithFeed() });
    DotNetTest(AdapterTests, new DotNetTestSettings { Configuration = "Release", NoBuild = true });
    CleanDirectory("src/VectorEngine/obj/Release");
    CleanDirectory($"{Adapter}/obj/Release");
    DotNetPack(Adapter, new DotNetPackSettings
    {
        Configuration = "Release",
        OutputDirectory = Artifacts,
        MSBuildSettings = WithFeed().WithProperty("ContinuousIntegrationBuild", "true"),
    });
});

Task("Fuzz")
    .Description("Damages indexes and uses them: 100,000 times, or --cases=N.")
    .IsDependentOn("Build")
    .Does(() => RunFuzz($"--cases {Argument("cases", 100_000)} --seed {Argument("seed", 1)}"));

Task("Kill")
    .Description("Kills builds and users of a disk cache and looks at what is left: 200 times, or --kills=N, of 20,000 vectors, or --count=N.")
    .IsDependentOn("Build")
    .Does(() => RunFuzz($"kill --kills {Argument("kills", 200)} --count {Argument("count", 20_000)} --seed {Argument("seed", 1)}"));

Task("Soak")
    .Description("Searches, builds, watches and collects at once, with every fault, then kills processes: 10 minutes, or --minutes=N.")
    .IsDependentOn("Build")
    .Does(() => RunFuzz($"soak --minutes {Argument("minutes", "10")} --seed {Argument("seed", 1)}"));

Task("Default").IsDependentOn("Test");

RunTarget(Argument("target", "Default"));

// What hides instructions from the engine, and the set that it then selects. A machine without AVX-512 or AVX2 has fewer tiers.
IEnumerable<(string Expected, string Variable, string Value)> Tiers()
{
    if (Avx512BW.VL.IsSupported)
    {
        yield return ("Avx512", "DOTNET_PreferredVectorBitWidth", "256");
        yield return ("Avx2", "DOTNET_EnableAVX512", "0");
    }

    if (Avx2.IsSupported)
        yield return ("Vector128", "DOTNET_EnableAVX2", "0");
    yield return ("Scalar", "DOTNET_EnableHWIntrinsic", "0");
    yield return ("Native", "VECTORENGINE_ISA", "native");
}

void RunFuzz(string arguments) =>
    DotNetRun("tests/VectorEngine.Fuzz", arguments, new DotNetRunSettings { Configuration = "Release", NoBuild = true });

void TestArrow(string filter, bool longFiles)
{
    DirectoryPath folder = MakeAbsolute(Directory("tests/arrow-interop"));
    Run(IsRunningOnWindows() ? "npm.cmd" : "npm", "install --no-audit --no-fund", folder);
    var environment = new Dictionary<string, string>
    {
        ["VECTORENGINE_ARROW_JS"] = folder.FullPath,
        ["VECTORENGINE_ARROW_LONG"] = longFiles ? "1" : "0",
    };
    DotNetTest(Tests, Where(filter, environment, "xUnit.FailSkips=true"));
}

void Run(string program, string arguments, DirectoryPath folder = null)
{
    int code = StartProcess(program, new ProcessSettings { Arguments = arguments, WorkingDirectory = folder ?? Context.Environment.WorkingDirectory });
    if (code != 0)
        throw new CakeException($"{program} {arguments}: exit code {code}.");
}
