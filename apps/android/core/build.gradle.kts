import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.kotlin.jvm)
}

java {
    sourceCompatibility = JavaVersion.VERSION_17
    targetCompatibility = JavaVersion.VERSION_17
}

kotlin {
    compilerOptions { jvmTarget = JvmTarget.JVM_17 }
}

// The sentences that the model cards and the web page have too; nothing is kept twice in the repository.
sourceSets.main {
    resources {
        srcDir(rootDir.resolve("../../skinkeras/tflite"))
        include("wording.json")
    }
}

dependencies {
    testImplementation(libs.junit.jupiter)
    testRuntimeOnly(libs.junit.launcher)
}

tasks.test {
    useJUnitPlatform()
    systemProperty("skinkeras.models", rootDir.resolve("../../tflite_models").path)
}
